// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Institutions} from "./Institutions.sol";

/// @title Devices: cards that act for an institution
/// @notice A device's id is the key id of its 9A key, so its public key certifies itself and is kept in the event only.
abstract contract Devices is Institutions {
    /// @notice Signed by the master key. `rights`: bit 0 read, bit 1 write. `certificate`: hashStruct of the
    /// device certificate, which stays off chain.
    struct ApproveDevice {
        bytes32 institution;
        bytes32 deviceX;
        bytes32 deviceY;
        uint8 rights;
        uint64 notAfter;
        bytes32 certificate;
        uint64 nonce;
        uint64 deadline;
    }

    /// @notice Signed by the device key: its proof of possession.
    struct RequestDevice {
        bytes32 institution;
        bytes32 certificate;
        bytes32 challenge;
        uint64 deadline;
    }

    /// @notice Signed by the master key.
    struct RevokeDevice {
        bytes32 institution;
        bytes32 device;
        uint64 deadline;
    }

    /// @notice What a caller sees of a device; `institution` is zero if it was never approved.
    struct Device {
        bytes32 institution;
        uint8 rights;
        uint64 notAfter;
        bool revoked;
        bytes32 certificate;
    }

    /// @dev Two slots. `institution` is the institution's number; 0 means never approved.
    struct StoredDevice {
        uint32 institution;
        uint8 rights;
        bool revoked;
        uint64 notAfter;
        bytes32 certificate;
    }

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

    bytes32 private constant APPROVE_DEVICE = keccak256(
        "ApproveDevice(bytes32 institution,bytes32 deviceX,bytes32 deviceY,uint8 rights,uint64 notAfter,bytes32 certificate,uint64 nonce,uint64 deadline)"
    );
    bytes32 private constant REQUEST_DEVICE =
        keccak256("RequestDevice(bytes32 institution,bytes32 certificate,bytes32 challenge,uint64 deadline)");
    bytes32 private constant REVOKE_DEVICE =
        keccak256("RevokeDevice(bytes32 institution,bytes32 device,uint64 deadline)");

    mapping(bytes32 device => StoredDevice) internal _devices;
    mapping(bytes32 institution => mapping(bytes32 device => bool)) private _barred;

    /// @notice Approves a device, or renews it with other rights, end or certificate.
    /// Reverts with {DeadlinePassed}, {BadRights}, {BadExpiry}, {ProofMismatch}, {InstitutionUnknown},
    /// {BadSignature} unless the master key signed, {BadNonce}, {BadProof}, {DeviceElsewhere} or {DeviceIsRevoked}.
    function approveDevice(
        ApproveDevice calldata m,
        Signature calldata signature,
        RequestDevice calldata request,
        Signature calldata proof
    ) external {
        bytes32 digest = _action(_hash(m), m.deadline);
        if (m.rights == 0 || m.rights > 3) revert BadRights();
        if (m.notAfter <= block.timestamp) revert BadExpiry();
        if (request.institution != m.institution || request.certificate != m.certificate) revert ProofMismatch();
        uint32 number = _governed(m.institution, digest, m.nonce, signature).number;
        _requireProof(request, proof, m.deviceX, m.deviceY);

        bytes32 device_ = _keyId(m.deviceX, m.deviceY);
        StoredDevice storage d = _devices[device_];
        if (d.institution != 0 && d.institution != number) revert DeviceElsewhere();
        if (d.revoked || _barred[m.institution][device_]) revert DeviceIsRevoked();
        (d.institution, d.rights, d.notAfter, d.certificate) = (number, m.rights, m.notAfter, m.certificate);
        emit DeviceApproved(
            digest, m.institution, device_, m.deviceX, m.deviceY, m.rights, m.notAfter, m.certificate
        );
    }

    /// @notice Revokes a device for good. Takes no nonce, may be repeated, and may come before the approval, which
    /// then fails.
    /// Reverts with {DeadlinePassed}, {InstitutionUnknown}, or {BadSignature} unless the master key signed.
    function revokeDevice(RevokeDevice calldata m, Signature calldata signature) external {
        bytes32 digest =
            _action(keccak256(abi.encode(REVOKE_DEVICE, m.institution, m.device, m.deadline)), m.deadline);
        Institution storage i = _known(m.institution);
        _require(digest, signature, i.masterX, i.masterY);
        StoredDevice storage d = _devices[m.device];
        if (d.institution == i.number) {
            d.revoked = true;
            emit DeviceRevoked(digest, m.institution, m.device);
        } else {
            _barred[m.institution][m.device] = true;
            emit DeviceBarred(digest, m.institution, m.device);
        }
    }

    /// @notice A device; its `institution` is zero if it was never approved.
    function device(bytes32 id) external view returns (Device memory) {
        StoredDevice storage d = _devices[id];
        return Device(institutionAt[d.institution], d.rights, d.notAfter, d.revoked, d.certificate);
    }

    function _requireProof(RequestDevice calldata request, Signature calldata proof, bytes32 x, bytes32 y)
        private
        view
    {
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
                m.nonce,
                m.deadline
            )
        );
    }
}
