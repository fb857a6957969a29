// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {World} from "./support/World.sol";
import {Hashes} from "./support/Hashes.sol";
import {Typed} from "../src/Typed.sol";
import {Operator} from "../src/Operator.sol";

contract SetGatewayTest is World {
    function message(bool active, uint64 nonce) internal pure returns (Operator.SetGateway memory) {
        Key memory gateway = key("second gateway");
        return Operator.SetGateway(gateway.x, gateway.y, active, nonce, LATER);
    }

    function call(Key memory signer, Operator.SetGateway memory m) internal view returns (bytes memory) {
        return abi.encodeCall(wardkey.setGateway, (m, sign(signer, Hashes.hash(m))));
    }

    function test_activates_and_deactivates() public {
        bytes32 gateway = idOf(key("second gateway"));
        Operator.SetGateway memory m = message(true, 0);
        vm.expectEmit(address(wardkey));
        emit Operator.GatewaySet(digestOf(Hashes.hash(m)), gateway, m.keyX, m.keyY, true);
        wardkey.setGateway(m, sign(key("operator"), Hashes.hash(m)));
        vm.assertTrue(wardkey.isGateway(gateway), "active");
        vm.assertEq(wardkey.operatorNonce(), 1, "nonce");

        accepted(call(key("operator"), message(false, 1)));
        vm.assertTrue(!wardkey.isGateway(gateway), "no longer active");
        vm.assertTrue(wardkey.isGateway(idOf(key("gateway"))), "the first one stays");
    }

    function test_deadline_is_the_last_second() public {
        Operator.SetGateway memory m = message(true, 0);
        vm.warp(uint256(LATER) + 1);
        refused(call(key("operator"), m), deadlinePassed(LATER));
        vm.warp(LATER);
        accepted(call(key("operator"), m));
    }

    function test_only_the_operator_signs() public {
        Operator.SetGateway memory m = message(true, 0);
        refused(call(key("gateway"), m), Typed.BadSignature.selector);
        Typed.Signature memory highS = high(sign(key("operator"), Hashes.hash(m)));
        refused(abi.encodeCall(wardkey.setGateway, (m, highS)), Typed.BadSignature.selector);
    }

    function test_a_nonce_is_used_once_and_in_order() public {
        refused(call(key("operator"), message(true, 1)), badNonce(0));
        accepted(call(key("operator"), message(true, 0)));
        refused(call(key("operator"), message(true, 0)), badNonce(1));
    }

    function test_a_key_is_a_point() public {
        Operator.SetGateway memory m = message(true, 0);
        m.keyY = bytes32(uint256(m.keyY) ^ 1);
        refused(call(key("operator"), m), Typed.BadKey.selector);
        vm.assertEq(wardkey.operatorNonce(), 0, "a refused action takes no nonce");
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_any_key_and_nonce(uint256 seed, uint64 nonce, bool active, uint64 deadline, bool valid) public {
        Key memory gateway = keyOf(seed);
        bytes32 y = valid ? gateway.y : bytes32(uint256(gateway.y) ^ 1);
        Operator.SetGateway memory m = Operator.SetGateway(gateway.x, y, active, nonce % 2, deadline);
        bytes memory made = call(key("operator"), m);
        if (deadline < START) refused(made, deadlinePassed(deadline));
        else if (m.nonce != 0) refused(made, badNonce(0));
        else if (!valid) refused(made, Typed.BadKey.selector);
        else accepted(made);
        bool done = deadline >= START && m.nonce == 0 && valid;
        vm.assertEq(wardkey.operatorNonce(), done ? 1 : 0, "nonce");
        vm.assertTrue(wardkey.isGateway(idOf(gateway)) == (done && active), "active as asked, or untouched");
    }
}
