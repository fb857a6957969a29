// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Operator} from "./Operator.sol";

/// @title An institution's master keys: an ordered list of one to five, and how many of them must sign
/// @notice With more than one key the threshold is smaller than their number, so that the loss of one key is always
/// mended by the others. The list has a version, which device approvals name: another list ends every approval that was
/// signed for the one before and not yet submitted.
abstract contract Masters is Operator {
    /// @notice Where an institution stands. Only an accredited one can use a grant.
    enum Status {
        Unknown,
        Registered,
        Accredited,
        Suspended
    }

    /// @notice A master key.
    struct MasterKey {
        bytes32 x;
        bytes32 y;
    }

    /// @notice What the chain keeps of an institution. `number` counts from 1, `registered` is a block number, `masters` is
    /// the version of the list of master keys; the first `count` of `keys` are the list.
    struct Institution {
        uint32 number;
        Status status;
        uint32 epoch;
        uint64 nonce;
        uint64 registered;
        uint32 masters;
        uint8 threshold;
        uint8 count;
        bytes32 agreementX;
        bytes32 agreementY;
        string name;
        string country;
        MasterKey[5] keys;
    }

    /// @notice Signed by `threshold` of the current master keys, then by every key of the new list that is not in the
    /// current one. `keys`: for each key `X‖Y‖wrapX‖wrapY`, 128 bytes; `wrap` is the agreement key to which the
    /// institution's agreement key is sealed for that master.
    struct SetMasters {
        bytes32 institution;
        bytes keys;
        uint8 threshold;
        uint64 nonce;
        uint64 deadline;
    }

    /// @notice The list of master keys is now this one; `keys` as in {SetMasters}.
    event MastersSet(
        bytes32 indexed digest, bytes32 indexed institution, uint32 version, bytes keys, uint8 threshold
    );

    /// @notice The institution is not registered.
    error InstitutionUnknown();
    /// @notice The list is not of whole keys, is empty or longer than five, or names a key twice (or its negative).
    error BadMasters();
    /// @notice The threshold is not 1 for one key, or not from 1 to one less than the number of keys.
    error BadThreshold();
    /// @notice The action was signed for another version of the list of master keys.
    error MastersChanged(uint32 current);
    /// @notice Fewer or more signatures than the action needs.
    error SignatureCount(uint256 needed, uint256 given);

    bytes32 private constant SET_MASTERS = keccak256(
        "SetMasters(bytes32 institution,bytes keys,uint8 threshold,uint64 nonce,uint64 deadline)"
    );
    uint256 private constant MOST = 5;
    uint256 private constant ENTRY = 128;

    mapping(bytes32 id => Institution) internal _institutions;

    /// @notice Replaces the list of master keys and the threshold: adding, removing, replacing a key, or another
    /// threshold. The institution's id stays.
    /// Reverts with {DeadlinePassed}, {InstitutionUnknown}, {BadMasters}, {BadThreshold}, {BadKey} for a wrap key,
    /// {SignatureCount}, {BadSignature} unless `threshold` current masters, in the list's order, and then every new key,
    /// in the new list's order, signed, or {BadNonce}.
    /// @param m The action.
    /// @param signatures By current masters in the list's order, then by new keys in the new list's order.
    function setMasters(SetMasters calldata m, Signature[] calldata signatures) external {
        bytes32 digest = _action(
            keccak256(
                abi.encode(SET_MASTERS, m.institution, keccak256(m.keys), m.threshold, m.nonce, m.deadline)
            ),
            m.deadline
        );
        Institution storage i = _known(m.institution);
        uint256 count = _requireList(m.keys, m.threshold);
        _requireChange(i, digest, m.keys, count, signatures);
        _takeNonce(i, m.nonce);
        for (uint256 n; n < count; ++n) {
            (bytes32 x, bytes32 y) = _keyAt(m.keys, n);
            i.keys[n] = MasterKey(x, y);
        }
        for (uint256 n = count; n < i.count; ++n) {
            delete i.keys[n];
        }
        (i.masters, i.threshold, i.count) = (i.masters + 1, m.threshold, uint8(count));
        emit MastersSet(digest, m.institution, i.masters, m.keys, m.threshold);
    }

    /// @dev Reverts with {InstitutionUnknown} unless it is registered.
    function _known(bytes32 id) internal view returns (Institution storage i) {
        i = _institutions[id];
        if (i.status == Status.Unknown) revert InstitutionUnknown();
    }

    /// @dev Reverts with {BadNonce} unless it is the next of the institution's sequence, and takes it.
    function _takeNonce(Institution storage i, uint64 nonce) internal {
        if (nonce != i.nonce) revert BadNonce(i.nonce);
        i.nonce = nonce + 1;
    }

    /// @dev Reverts with {MastersChanged} unless this is the version of the current list.
    function _requireVersion(Institution storage i, uint32 masters) internal view {
        if (masters != i.masters) revert MastersChanged(i.masters);
    }

    /// @dev Reverts with {BadSignature} unless one of the master keys signed.
    function _requireMaster(Institution storage i, bytes32 digest, Signature calldata signature) internal view {
        _signer(i, digest, signature, 0);
    }

    /// @dev Reverts with {SignatureCount} unless there are `needed` signatures, or {BadSignature} unless each is by a
    /// later key of the list than the one before: so none counts twice.
    function _requireMasters(
        Institution storage i,
        bytes32 digest,
        Signature[] calldata signatures,
        uint256 needed
    ) internal view {
        if (signatures.length != needed) revert SignatureCount(needed, signatures.length);
        uint256 place = 0;
        for (uint256 s; s < needed; ++s) {
            place = _signer(i, digest, signatures[s], place) + 1;
        }
    }

    /// @dev Place of the first key from `from` on that signed. Reverts with {BadSignature} if there is none.
    function _signer(Institution storage i, bytes32 digest, Signature calldata signature, uint256 from)
        private
        view
        returns (uint256 place)
    {
        uint256 count = i.count;
        for (place = from; place < count; ++place) {
            if (_verifies(digest, signature, i.keys[place].x, i.keys[place].y)) return place;
        }
        revert BadSignature();
    }

    /// @dev The signatures of a change of the list.
    function _requireChange(
        Institution storage i,
        bytes32 digest,
        bytes calldata keys,
        uint256 count,
        Signature[] calldata signatures
    ) private view {
        uint256 old = i.threshold;
        uint256 needed = old;
        for (uint256 n; n < count; ++n) {
            (bytes32 x, bytes32 y) = _keyAt(keys, n);
            if (!_isMaster(i, x, y)) ++needed;
        }
        if (signatures.length != needed) revert SignatureCount(needed, signatures.length);
        _requireMasters(i, digest, signatures[:old], old);
        uint256 next = old;
        for (uint256 n; n < count; ++n) {
            (bytes32 x, bytes32 y) = _keyAt(keys, n);
            if (!_isMaster(i, x, y)) _require(digest, signatures[next++], x, y);
        }
    }

    function _isMaster(Institution storage i, bytes32 x, bytes32 y) private view returns (bool) {
        uint256 count = i.count;
        for (uint256 n; n < count; ++n) {
            if (i.keys[n].x == x && i.keys[n].y == y) return true;
        }
        return false;
    }

    /// @dev Number of keys. That they are points is proved by their signatures; wrap keys sign nothing.
    function _requireList(bytes calldata keys, uint8 threshold) private pure returns (uint256 count) {
        count = keys.length / ENTRY;
        if (keys.length % ENTRY != 0 || count == 0 || count > MOST) revert BadMasters();
        if (threshold == 0 || (count == 1 ? threshold > 1 : threshold >= count)) revert BadThreshold();
        for (uint256 n; n < count; ++n) {
            (bytes32 x,) = _keyAt(keys, n);
            for (uint256 before; before < n; ++before) {
                (bytes32 other,) = _keyAt(keys, before);
                if (other == x) revert BadMasters();
            }
            _requireKey(bytes32(keys[n * ENTRY + 64:]), bytes32(keys[n * ENTRY + 96:]));
        }
    }

    function _keyAt(bytes calldata keys, uint256 n) private pure returns (bytes32 x, bytes32 y) {
        return (bytes32(keys[n * ENTRY:]), bytes32(keys[n * ENTRY + 32:]));
    }
}
