// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Typed} from "./Typed.sol";

/// @title Grants: live or revoked, nothing else
/// @notice A grant is a salted commitment under a one-time key; the chain shows neither patient nor institution.
abstract contract Grants is Typed {
    /// @notice Where a grant stands.
    enum GrantStatus {
        Unknown,
        Live,
        Revoked
    }

    /// @notice Signed by the grant's one-time key.
    struct Grant {
        bytes32 commitment;
        uint64 deadline;
    }

    /// @notice Signed by the grant's one-time key.
    struct Revoke {
        bytes32 commitment;
        uint64 deadline;
    }

    /// @dev One slot; `since` is the block of the grant, or of the revocation.
    struct StoredGrant {
        GrantStatus status;
        uint64 since;
    }

    /// @notice The grant is live, from now or from before.
    event Granted(bytes32 indexed digest, bytes32 indexed commitment, bytes32 keyX, bytes32 keyY);
    /// @notice The grant is revoked for good, now or from before.
    event Revoked(bytes32 indexed digest, bytes32 indexed commitment, bytes32 keyX, bytes32 keyY);

    /// @notice The grant was revoked, for good.
    error GrantIsRevoked();

    bytes32 private constant GRANT = keccak256("Grant(bytes32 commitment,uint64 deadline)");
    bytes32 private constant REVOKE = keccak256("Revoke(bytes32 commitment,uint64 deadline)");

    mapping(bytes32 id => StoredGrant) internal _grants;

    /// @notice Makes a grant live; may be repeated.
    /// Reverts with {DeadlinePassed}, {BadSignature} unless the key signed, or {GrantIsRevoked}.
    /// @param m The action.
    /// @param keyX The grant's one-time key.
    /// @param keyY The same.
    /// @param signature By that key, over the action's digest, `s` low.
    function grant(Grant calldata m, bytes32 keyX, bytes32 keyY, Signature calldata signature) external {
        bytes32 digest = _action(keccak256(abi.encode(GRANT, m.commitment, m.deadline)), m.deadline);
        _require(digest, signature, keyX, keyY);
        StoredGrant storage g = _grants[_grantId(m.commitment, keyX, keyY)];
        if (g.status == GrantStatus.Revoked) revert GrantIsRevoked();
        if (g.status == GrantStatus.Unknown) (g.status, g.since) = (GrantStatus.Live, uint64(block.number));
        emit Granted(digest, m.commitment, keyX, keyY);
    }

    /// @notice Revokes a grant for good. May be repeated, and may come before the grant, which then fails.
    /// Reverts with {DeadlinePassed}, or {BadSignature} unless the key signed.
    /// @param m The action.
    /// @param keyX The grant's one-time key.
    /// @param keyY The same.
    /// @param signature By that key, over the action's digest, `s` low.
    function revoke(Revoke calldata m, bytes32 keyX, bytes32 keyY, Signature calldata signature) external {
        bytes32 digest = _action(keccak256(abi.encode(REVOKE, m.commitment, m.deadline)), m.deadline);
        _require(digest, signature, keyX, keyY);
        StoredGrant storage g = _grants[_grantId(m.commitment, keyX, keyY)];
        if (g.status != GrantStatus.Revoked) (g.status, g.since) = (GrantStatus.Revoked, uint64(block.number));
        emit Revoked(digest, m.commitment, keyX, keyY);
    }

    /// @notice Where a commitment under a one-time key stands.
    /// @return status Unknown for one that was never seen.
    /// @return since Number of the block of the grant, or of the revocation; zero if unknown.
    function grantStatus(bytes32 commitment, bytes32 keyX, bytes32 keyY)
        external
        view
        returns (GrantStatus status, uint64 since)
    {
        StoredGrant storage g = _grants[_grantId(commitment, keyX, keyY)];
        return (g.status, g.since);
    }

    /// @dev The key is part of the name, so that a stranger's key cannot touch a grant.
    function _grantId(bytes32 commitment, bytes32 keyX, bytes32 keyY) internal pure returns (bytes32) {
        return keccak256(abi.encode(commitment, keyX, keyY));
    }
}
