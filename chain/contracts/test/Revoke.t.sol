// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {World} from "./support/World.sol";
import {Hashes} from "./support/Hashes.sol";
import {Typed} from "../src/Typed.sol";
import {Grants} from "../src/Grants.sol";

contract RevokeTest is World {
    bytes32 internal constant COMMITMENT = bytes32(uint256(0xc0));

    function call(Key memory signer, Key memory named, Grants.Revoke memory m) internal view returns (bytes memory) {
        return abi.encodeCall(wardkey.revoke, (m, named.x, named.y, sign(signer, Hashes.hash(m))));
    }

    function live(Key memory k) internal {
        Grants.Grant memory m = Grants.Grant(COMMITMENT, LATER);
        wardkey.grant(m, k.x, k.y, sign(k, Hashes.hash(m)));
    }

    function holds(Key memory k, Grants.GrantStatus wanted, uint256 block_) internal view {
        (Grants.GrantStatus found, uint64 since) = wardkey.grantStatus(COMMITMENT, k.x, k.y);
        vm.assertTrue(found == wanted, "status");
        vm.assertEq(since, block_, "since");
    }

    function test_revokes_for_good() public {
        Key memory k = key("one-time");
        live(k);
        vm.roll(200);
        Grants.Revoke memory m = Grants.Revoke(COMMITMENT, LATER);
        vm.expectEmit(address(wardkey));
        emit Grants.Revoked(digestOf(Hashes.hash(m)), COMMITMENT, k.x, k.y);
        wardkey.revoke(m, k.x, k.y, sign(k, Hashes.hash(m)));
        holds(k, Grants.GrantStatus.Revoked, 200);
    }

    function test_may_be_repeated_and_keeps_its_block() public {
        Key memory k = key("one-time");
        live(k);
        accepted(call(k, k, Grants.Revoke(COMMITMENT, LATER)));
        vm.roll(300);
        accepted(call(k, k, Grants.Revoke(COMMITMENT, LATER)));
        holds(k, Grants.GrantStatus.Revoked, 100);
    }

    function test_may_come_before_the_grant() public {
        Key memory k = key("one-time");
        accepted(call(k, k, Grants.Revoke(COMMITMENT, LATER)));
        Grants.Grant memory m = Grants.Grant(COMMITMENT, LATER);
        refused(
            abi.encodeCall(wardkey.grant, (m, k.x, k.y, sign(k, Hashes.hash(m)))), Grants.GrantIsRevoked.selector
        );
        holds(k, Grants.GrantStatus.Revoked, 100);
    }

    function test_a_strangers_key_touches_nothing() public {
        Key memory k = key("one-time");
        Key memory stranger = key("a stranger's");
        live(k);
        refused(call(stranger, k, Grants.Revoke(COMMITMENT, LATER)), Typed.BadSignature.selector);
        accepted(call(stranger, stranger, Grants.Revoke(COMMITMENT, LATER)));
        holds(k, Grants.GrantStatus.Live, 100);
    }

    function test_every_refusal() public {
        Key memory k = key("one-time");
        live(k);
        refused(call(k, k, Grants.Revoke(COMMITMENT, START - 1)), deadlinePassed(START - 1));
        Grants.Grant memory m = Grants.Grant(COMMITMENT, LATER);
        Grants.Revoke memory r = Grants.Revoke(COMMITMENT, LATER);
        refused(
            abi.encodeCall(wardkey.revoke, (r, k.x, k.y, sign(k, Hashes.hash(m)))), Typed.BadSignature.selector
        );
        holds(k, Grants.GrantStatus.Live, 100);
    }

    /// A signed revocation never fails, whatever came before it.
    function testFuzz_never_fails_for_ordering_reasons(uint256 seed, uint8 before, uint64 deadline, uint32 later)
        public
    {
        Key memory k = keyOf(seed);
        if (before & 1 != 0) live(k);
        if (before & 2 != 0) accepted(call(k, k, Grants.Revoke(COMMITMENT, LATER)));
        vm.roll(100 + uint256(later));
        bytes memory made = call(k, k, Grants.Revoke(COMMITMENT, deadline));
        if (deadline < START) return refused(made, deadlinePassed(deadline));
        accepted(made);
        holds(k, Grants.GrantStatus.Revoked, before & 2 != 0 ? 100 : 100 + uint256(later));
    }
}
