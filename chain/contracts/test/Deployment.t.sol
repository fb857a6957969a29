// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {World} from "./support/World.sol";
import {Wardkey} from "../src/Wardkey.sol";

contract DeploymentTest is World {
    function separator(uint256 chain) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)"
        );
        return keccak256(
            abi.encode(domain, keccak256("Wardkey"), keccak256("1"), chain, address(wardkey), SALT)
        );
    }

    function test_begins_with_operator_gateway_and_salt() public view {
        (bytes32 x, bytes32 y) = wardkey.operator();
        vm.assertEq(x, key("operator").x, "x");
        vm.assertEq(y, key("operator").y, "y");
        vm.assertTrue(wardkey.isGateway(idOf(key("gateway"))), "the first gateway");
        vm.assertEq(wardkey.salt(), SALT, "salt");
        vm.assertEq(wardkey.operatorNonce(), 0, "nonce");
        vm.assertEq(wardkey.institutionCount(), 0, "no institution");
        vm.assertEq(bytes(wardkey.VERSION()), bytes("1"), "version");
    }

    function test_keys_that_are_no_points_are_refused() public {
        Key memory k = key("operator");
        bytes32 bent = bytes32(uint256(k.y) ^ 1);
        vm.assertTrue(create(abi.encode(k.x, bent, k.x, k.y, SALT)) == address(0), "operator");
        vm.assertTrue(create(abi.encode(k.x, k.y, k.x, bent, SALT)) == address(0), "gateway");
        vm.assertTrue(create(abi.encode(k.x, k.y, k.x, k.y, SALT)) != address(0), "both are points");
    }

    function test_the_domain_follows_the_chain() public {
        vm.assertEq(wardkey.domainSeparator(), separator(7001), "at the start");
        vm.chainId(7002);
        vm.assertEq(wardkey.domainSeparator(), separator(7002), "after a fork");
    }

    function test_takes_no_money_and_no_unknown_call() public {
        (bool ok,) = address(wardkey).call("");
        vm.assertTrue(!ok, "no receive");
        (ok,) = address(wardkey).call(hex"12345678");
        vm.assertTrue(!ok, "no fallback");
    }

    /// Bytes of a stranger change nothing: every function needs a signature.
    function testFuzz_any_call_is_refused(uint8 which, bytes calldata body) public {
        bytes4[11] memory all = [
            wardkey.registerInstitution.selector,
            wardkey.setAccreditation.selector,
            wardkey.setGateway.selector,
            wardkey.rotateAgreement.selector,
            wardkey.setMasters.selector,
            wardkey.approveDevice.selector,
            wardkey.revokeDevice.selector,
            wardkey.setSuspension.selector,
            wardkey.grant.selector,
            wardkey.revoke.selector,
            wardkey.setCheckpoint.selector
        ];
        (bool ok,) = address(wardkey).call(bytes.concat(all[which % 11], body));
        vm.assertTrue(!ok, "refused");
    }
}
