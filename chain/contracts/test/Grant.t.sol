// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {World} from "./support/World.sol";
import {Hashes} from "./support/Hashes.sol";
import {Typed} from "../src/Typed.sol";
import {Grants} from "../src/Grants.sol";

contract GrantTest is World {
    bytes32 internal constant COMMITMENT = bytes32(uint256(0xc0));

    function call(Key memory signer, Key memory named, Grants.Grant memory m) internal view returns (bytes memory) {
        return abi.encodeCall(wardkey.grant, (m, named.x, named.y, sign(signer, Hashes.hash(m))));
    }

    function status(Key memory k) internal view returns (Grants.GrantStatus found) {
        (found,) = wardkey.grantStatus(COMMITMENT, k.x, k.y);
    }

    function test_makes_a_grant_live() public {
        Key memory k = key("one-time");
        Grants.Grant memory m = Grants.Grant(COMMITMENT, LATER);
        vm.assertTrue(status(k) == Grants.GrantStatus.Unknown, "unknown before");
        vm.expectEmit(address(wardkey));
        emit Grants.Granted(digestOf(Hashes.hash(m)), COMMITMENT, k.x, k.y);
        wardkey.grant(m, k.x, k.y, sign(k, Hashes.hash(m)));
        (Grants.GrantStatus found, uint64 since) = wardkey.grantStatus(COMMITMENT, k.x, k.y);
        vm.assertTrue(found == Grants.GrantStatus.Live, "live");
        vm.assertEq(since, block.number, "since this block");
    }

    function test_may_be_repeated_and_keeps_its_block() public {
        Key memory k = key("one-time");
        accepted(call(k, k, Grants.Grant(COMMITMENT, LATER)));
        vm.roll(200);
        accepted(call(k, k, Grants.Grant(COMMITMENT, LATER)));
        (, uint64 since) = wardkey.grantStatus(COMMITMENT, k.x, k.y);
        vm.assertEq(since, 100, "the first one's block");
    }

    function test_the_same_commitment_under_two_keys_is_two_grants() public {
        Key memory k = key("one-time");
        accepted(call(k, k, Grants.Grant(COMMITMENT, LATER)));
        vm.assertTrue(status(key("a stranger's")) == Grants.GrantStatus.Unknown, "another name");
    }

    function test_every_refusal() public {
        Key memory k = key("one-time");
        refused(call(k, k, Grants.Grant(COMMITMENT, START - 1)), deadlinePassed(START - 1));
        Grants.Grant memory m = Grants.Grant(COMMITMENT, LATER);
        refused(call(key("a stranger's"), k, m), Typed.BadSignature.selector);
        refused(
            abi.encodeCall(wardkey.grant, (m, k.x, k.y, high(sign(k, Hashes.hash(m))))), Typed.BadSignature.selector
        );
        Grants.Revoke memory r = Grants.Revoke(COMMITMENT, LATER);
        refused(
            abi.encodeCall(wardkey.grant, (m, k.x, k.y, sign(k, Hashes.hash(r)))), Typed.BadSignature.selector
        );
        wardkey.revoke(r, k.x, k.y, sign(k, Hashes.hash(r)));
        refused(call(k, k, m), Grants.GrantIsRevoked.selector);
    }

    function test_a_signature_is_for_one_chain() public {
        Key memory k = key("one-time");
        bytes memory made = call(k, k, Grants.Grant(COMMITMENT, LATER));
        vm.chainId(7002);
        refused(made, Typed.BadSignature.selector);
        accepted(call(k, k, Grants.Grant(COMMITMENT, LATER)));
    }

    function testFuzz_any_commitment(uint256 seed, bytes32 commitment, uint64 deadline, bool bent) public {
        Key memory k = keyOf(seed);
        Grants.Grant memory m = Grants.Grant(commitment, deadline);
        Typed.Signature memory s = sign(k, Hashes.hash(m));
        if (bent) s.r = bytes32(uint256(s.r) ^ 1);
        bytes memory made = abi.encodeCall(wardkey.grant, (m, k.x, k.y, s));
        if (deadline < START) refused(made, deadlinePassed(deadline));
        else if (bent) refused(made, Typed.BadSignature.selector);
        else accepted(made);
        (Grants.GrantStatus found,) = wardkey.grantStatus(commitment, k.x, k.y);
        bool live = deadline >= START && !bent;
        vm.assertTrue(found == (live ? Grants.GrantStatus.Live : Grants.GrantStatus.Unknown), "live, or untouched");
    }
}
