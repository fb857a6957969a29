// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {World} from "./support/World.sol";
import {Hashes} from "./support/Hashes.sol";
import {Typed} from "../src/Typed.sol";
import {Checkpoints} from "../src/Checkpoints.sol";

contract SetCheckpointTest is World {
    function call(Key memory signer, Checkpoints.Checkpoint memory m) internal view returns (bytes memory) {
        return abi.encodeCall(wardkey.setCheckpoint, (m, sign(signer, Hashes.hash(m))));
    }

    function set(uint64 size, uint256 root) internal view returns (bytes memory) {
        return call(key("operator"), Checkpoints.Checkpoint(size, bytes32(root), LATER));
    }

    function holds(uint256 size, uint256 root, uint256 number, uint256 time) internal view {
        (uint64 size_, bytes32 root_, uint64 number_, uint64 time_) = wardkey.checkpoint();
        vm.assertEq(size_, size, "size");
        vm.assertEq(root_, bytes32(root), "root");
        vm.assertEq(number_, number, "block");
        vm.assertEq(time_, time, "time");
    }

    function test_publishes() public {
        holds(0, 0, 0, 0);
        Checkpoints.Checkpoint memory m = Checkpoints.Checkpoint(10, bytes32(uint256(5)), LATER);
        vm.expectEmit(address(wardkey));
        emit Checkpoints.CheckpointSet(digestOf(Hashes.hash(m)), 10, bytes32(uint256(5)));
        wardkey.setCheckpoint(m, sign(key("operator"), Hashes.hash(m)));
        holds(10, 5, 100, START);
        vm.roll(101);
        vm.warp(START + 12);
        accepted(set(11, 6));
        holds(11, 6, 101, START + 12);
    }

    function test_an_empty_log_can_be_published() public {
        accepted(set(0, 9));
        holds(0, 9, 100, START);
        refused(set(0, 8), Checkpoints.CheckpointForks.selector);
    }

    function test_the_same_may_be_repeated_and_keeps_its_block() public {
        accepted(set(10, 5));
        vm.roll(101);
        vm.warp(START + 12);
        accepted(set(10, 5));
        holds(10, 5, 100, START);
    }

    function test_every_refusal() public {
        refused(
            call(key("operator"), Checkpoints.Checkpoint(1, 0, START - 1)), deadlinePassed(START - 1)
        );
        refused(call(key("gateway"), Checkpoints.Checkpoint(1, 0, LATER)), Typed.BadSignature.selector);
        accepted(set(10, 5));
        refused(set(9, 4), abi.encodeWithSelector(Checkpoints.CheckpointFalls.selector, 10));
        refused(set(10, 6), Checkpoints.CheckpointForks.selector);
        holds(10, 5, 100, START);
    }

    function testFuzz_any_two(uint64 first, uint64 second, uint256 firstRoot, uint256 secondRoot, bool same) public {
        if (same) second = first;
        if (uint256(keccak256(abi.encode(first))) % 2 == 0) secondRoot = firstRoot;
        accepted(set(first, firstRoot));
        vm.roll(101);
        if (second < first) refused(set(second, secondRoot), abi.encodeWithSelector(Checkpoints.CheckpointFalls.selector, first));
        else if (second == first && secondRoot != firstRoot) refused(set(second, secondRoot), Checkpoints.CheckpointForks.selector);
        else accepted(set(second, secondRoot));
        if (second > first) holds(second, secondRoot, 101, START);
        else holds(first, firstRoot, 100, START);
    }
}
