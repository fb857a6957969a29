// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Operator} from "./Operator.sol";

/// @title Checkpoints of the log of writes and reads
/// @notice The newest size and root. That a root extends the one before is not proved here: readers of the log check it.
abstract contract Checkpoints is Operator {
    /// @notice Signed by the operator. `root`: RFC 6962 tree hash over the first `size` leaves.
    struct Checkpoint {
        uint64 size;
        bytes32 root;
        uint64 deadline;
    }

    /// @notice A checkpoint was published, for the first time or again.
    event CheckpointSet(bytes32 indexed digest, uint64 size, bytes32 root);

    /// @notice The log would become shorter.
    error CheckpointFalls(uint64 size);
    /// @notice Another root was published for the same size.
    error CheckpointForks();

    bytes32 private constant CHECKPOINT = keccak256("Checkpoint(uint64 size,bytes32 root,uint64 deadline)");

    bytes32 private _root;
    uint64 private _size;
    uint64 private _block;
    uint64 private _time;

    /// @notice Publishes a checkpoint; the same one may be repeated.
    /// Reverts with {DeadlinePassed}, {BadSignature} unless the operator signed, {CheckpointFalls} if the size is below
    /// the newest one, or {CheckpointForks} if it has the newest size and another root.
    /// @param m The action.
    /// @param signature Over the action's digest, `s` low.
    function setCheckpoint(Checkpoint calldata m, Signature calldata signature) external {
        bytes32 digest = _action(keccak256(abi.encode(CHECKPOINT, m.size, m.root, m.deadline)), m.deadline);
        _requireOperator(digest, signature);
        if (m.size < _size) revert CheckpointFalls(_size);
        if (_block != 0 && m.size == _size && m.root != _root) revert CheckpointForks();
        if (_block == 0 || m.size > _size) {
            (_root, _size, _block, _time) = (m.root, m.size, uint64(block.number), uint64(block.timestamp));
        }
        emit CheckpointSet(digest, m.size, m.root);
    }

    /// @notice The newest checkpoint.
    /// @return size Leaves of the log.
    /// @return root Tree hash over them.
    /// @return number Its block; zero before the first checkpoint.
    /// @return time That block's time, in seconds since 1970.
    function checkpoint() external view returns (uint64 size, bytes32 root, uint64 number, uint64 time) {
        return (_size, _root, _block, _time);
    }
}
