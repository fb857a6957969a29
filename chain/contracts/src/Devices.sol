// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Institutions} from "./Institutions.sol";

/// @title Devices: cards that act for an institution
/// @notice A device's id is the key id of its 9A key, so its public key certifies itself and is kept in the event only.
abstract contract Devices is Institutions {
    /// @notice Signed by `threshold` master keys. `rights`: bit 0 read, bit 1 write. `certificate`: hashStruct of the device
    /// certificate, which stays off chain. `masters`: version of the list of master keys. `nonce`: how many approvals and
    /// suspensions this device has had, so that approvals of many devices are prepared side by side and none replays.
    struct ApproveDevice {
        bytes32 institution;
        bytes32 deviceX;
        bytes32 deviceY;
        uint8 rights;
        uint64 notAfter;
        bytes32 certificate;
        uint32 masters;
        uint32 nonce;
        uint64 deadline;
    }

    /// @notice Signed by the device key: its proof of possession.
    struct RequestDevice {
        bytes32 institution;
        bytes32 certificate;
        bytes32 challenge;
        uint64 deadline;
    }

    /// @notice Signed by one master key.
    struct RevokeDevice {
        bytes32 institution;
        bytes32 device;
        uint64 deadline;
    }

    /// @notice Signed by one master key to suspend, by `threshold` of them to resume. `masters` and `nonce` as in an
    /// approval.
    struct SetSuspension {
        bytes32 institution;
        bytes32 device;
        bool suspended;
        uint32 masters;
        uint32 nonce;
        uint64 deadline;
    }

    /// @notice What a caller sees of a device; `institution` is zero if it was never approved. `nonce` is that of its next
    /// approval or suspension.
    struct Device {
        bytes32 institution;
        uint8 rights;
        uint64 notAfter;
        bool revoked;
        bool suspended;
        uint32 nonce;
        bytes32 certificate;
    }

    /// @dev Two slots. `institution` is the institution's number; 0 means never approved.
    struct StoredDevice {
        uint32 institution;
        uint8 rights;
        bool revoked;
        bool suspended;
        uint64 notAfter;
        uint32 nonce;
        bytes32 certificate;
    }

    /// @notice The device may act for the institution until `notAfter`, in seconds since 1970; its key is kept here only.
    event DeviceApproved(
        bytes32 indexed digest,
        bytes32 indexed institution,
        bytes32 indexed device,
        bytes32 deviceX,
        bytes32 deviceY,
        uint8 rights,
        uint64 notAfter,
        bytes32 certificate
    );
    /// @notice The institution's own device is revoked, for good.
    event DeviceRevoked(bytes32 indexed digest, bytes32 indexed institution, bytes32 indexed device);
    /// @notice The institution's own device is suspended, or no longer.
    event SuspensionSet(
        bytes32 indexed digest, bytes32 indexed institution, bytes32 indexed device, bool suspended
    );
    /// @notice The institution revoked a key that is not its device: it can never approve that key. Nobody else is
    /// concerned.
    event DeviceBarred(bytes32 indexed digest, bytes32 indexed institution, bytes32 indexed device);

    /// @notice The rights are not 1 (read), 2 (write) or 3.
    error BadRights();
    /// @notice The approval would end before it begins.
    error BadExpiry();
    /// @notice The request names another institution or another certificate than the approval.
    error ProofMismatch();
    /// @notice The request is not signed by the device's key, or its deadline has passed.
    error BadProof();
    /// @notice Another institution has approved this key.
    error DeviceElsewhere();
    /// @notice The institution has revoked this key, for good.
    error DeviceIsRevoked();
    /// @notice The institution has not approved this key.
    error DeviceUnknown();

    bytes32 private constant APPROVE_DEVICE = keccak256(
        "ApproveDevice(bytes32 institution,bytes32 deviceX,bytes32 deviceY,uint8 rights,uint64 notAfter,bytes32 certificate,uint32 masters,uint32 nonce,uint64 deadline)"
    );
    bytes32 private constant REQUEST_DEVICE =
        keccak256("RequestDevice(bytes32 institution,bytes32 certificate,bytes32 challenge,uint64 deadline)");
    bytes32 private constant REVOKE_DEVICE =
        keccak256("RevokeDevice(bytes32 institution,bytes32 device,uint64 deadline)");
    bytes32 private constant SET_SUSPENSION = keccak256(
        "SetSuspension(bytes32 institution,bytes32 device,bool suspended,uint32 masters,uint32 nonce,uint64 deadline)"
    );

    mapping(bytes32 device => StoredDevice) internal _devices;
    mapping(bytes32 institution => mapping(bytes32 device => bool)) private _barred;

    /// @notice Approves a device, or renews it with other rights, end or certificate. A suspension stays.
    /// Reverts with {DeadlinePassed}, {BadRights}, {BadExpiry}, {ProofMismatch}, {InstitutionUnknown}, {MastersChanged},
    /// {SignatureCount}, {BadSignature} unless `threshold` masters signed, {BadProof}, {DeviceElsewhere},
    /// {DeviceIsRevoked} or {BadNonce}.
    /// @param m The action.
    /// @param signatures By masters, in the list's order.
    /// @param request What the device's holder asked for.
    /// @param proof By the device's key, over the request's digest.
    function approveDevice(
        ApproveDevice calldata m,
        Signature[] calldata signatures,
        RequestDevice calldata request,
        Signature calldata proof
    ) external {
        bytes32 digest = _action(_hash(m), m.deadline);
        if (m.rights == 0 || m.rights > 3) revert BadRights();
        // slither-disable-next-line timestamp
        if (m.notAfter <= block.timestamp) revert BadExpiry();
        if (request.institution != m.institution || request.certificate != m.certificate) revert ProofMismatch();
        Institution storage i = _known(m.institution);
        _requireVersion(i, m.masters);
        _requireMasters(i, digest, signatures, i.threshold);
        _requireProof(request, proof, m.deviceX, m.deviceY);

        bytes32 device_ = _keyId(m.deviceX, m.deviceY);
        StoredDevice storage d = _devices[device_];
        if (d.institution != 0 && d.institution != i.number) revert DeviceElsewhere();
        // A device that was approved before was not barred then, and since then a revocation marks the device itself.
        if (d.revoked || (d.institution == 0 && _barred[m.institution][device_])) revert DeviceIsRevoked();
        if (m.nonce != d.nonce) revert BadNonce(d.nonce);
        (d.institution, d.rights, d.notAfter, d.nonce) = (i.number, m.rights, m.notAfter, m.nonce + 1);
        d.certificate = m.certificate;
        emit DeviceApproved(
            digest, m.institution, device_, m.deviceX, m.deviceY, m.rights, m.notAfter, m.certificate
        );
    }

    /// @notice Revokes a device for good. Takes no nonce, may be repeated, and may come before the approval, which
    /// then fails.
    /// Reverts with {DeadlinePassed}, {InstitutionUnknown}, or {BadSignature} unless a master key signed.
    /// @param m The action.
    /// @param signature Over the action's digest, `s` low.
    function revokeDevice(RevokeDevice calldata m, Signature calldata signature) external {
        bytes32 digest =
            _action(keccak256(abi.encode(REVOKE_DEVICE, m.institution, m.device, m.deadline)), m.deadline);
        Institution storage i = _known(m.institution);
        _requireMaster(i, digest, signature);
        StoredDevice storage d = _devices[m.device];
        if (d.institution == i.number) {
            d.revoked = true;
            emit DeviceRevoked(digest, m.institution, m.device);
        } else {
            _barred[m.institution][m.device] = true;
            emit DeviceBarred(digest, m.institution, m.device);
        }
    }

    /// @notice Suspends a device, or lets it act again.
    /// Reverts with {DeadlinePassed}, {InstitutionUnknown}, {MastersChanged}, {SignatureCount}, {BadSignature} unless one
    /// master (to suspend) or `threshold` masters (to resume) signed, {DeviceUnknown} if it is not the institution's,
    /// {DeviceIsRevoked}, or {BadNonce}.
    /// @param m The action.
    /// @param signatures By masters, in the list's order.
    function setSuspension(SetSuspension calldata m, Signature[] calldata signatures) external {
        bytes32 digest = _action(_hash(m), m.deadline);
        Institution storage i = _known(m.institution);
        _requireVersion(i, m.masters);
        _requireMasters(i, digest, signatures, m.suspended ? 1 : i.threshold);
        StoredDevice storage d = _devices[m.device];
        if (d.institution != i.number) revert DeviceUnknown();
        if (d.revoked) revert DeviceIsRevoked();
        if (m.nonce != d.nonce) revert BadNonce(d.nonce);
        (d.suspended, d.nonce) = (m.suspended, m.nonce + 1);
        emit SuspensionSet(digest, m.institution, m.device, m.suspended);
    }

    /// @notice A device; its `institution` is zero if it was never approved.
    function device(bytes32 id) external view returns (Device memory) {
        StoredDevice storage d = _devices[id];
        return Device(
            institutionAt[d.institution], d.rights, d.notAfter, d.revoked, d.suspended, d.nonce, d.certificate
        );
    }

    function _requireProof(RequestDevice calldata request, Signature calldata proof, bytes32 x, bytes32 y)
        private
        view
    {
        // slither-disable-next-line timestamp
        if (block.timestamp > request.deadline) revert BadProof();
        bytes32 digest = _digest(
            keccak256(
                abi.encode(
                    REQUEST_DEVICE, request.institution, request.certificate, request.challenge, request.deadline
                )
            )
        );
        if (!_verifies(digest, proof, x, y)) revert BadProof();
    }

    function _hash(ApproveDevice calldata m) private pure returns (bytes32) {
        return keccak256(
            abi.encode(
                APPROVE_DEVICE,
                m.institution,
                m.deviceX,
                m.deviceY,
                m.rights,
                m.notAfter,
                m.certificate,
                m.masters,
                m.nonce,
                m.deadline
            )
        );
    }

    function _hash(SetSuspension calldata m) private pure returns (bytes32) {
        return keccak256(
            abi.encode(
                SET_SUSPENSION, m.institution, m.device, m.suspended, m.masters, m.nonce, m.deadline
            )
        );
    }
}
