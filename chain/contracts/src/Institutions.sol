// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Masters} from "./Masters.sol";

/// @title Institutions: registration, accreditation, agreement key
/// @notice An institution's id is the key id of its first master key; it stays when the master keys change.
abstract contract Institutions is Masters {
    /// @notice Signed by the first master key. `wrap`: the agreement key of the card or HSM that holds it, to which the
    /// institution's agreement key is sealed.
    struct RegisterInstitution {
        bytes32 institution;
        string name;
        string country;
        bytes32 masterX;
        bytes32 masterY;
        bytes32 wrapX;
        bytes32 wrapY;
        bytes32 agreementX;
        bytes32 agreementY;
        uint64 deadline;
    }

    /// @notice Signed by the operator.
    struct SetAccreditation {
        bytes32 institution;
        bool accredited;
        uint64 nonce;
        uint64 deadline;
    }

    /// @notice Signed by one master key: the next epoch of the agreement key. One suffices whatever the threshold: whoever
    /// holds a master key can open the agreement key anyway.
    struct RotateAgreement {
        bytes32 institution;
        uint32 epoch;
        bytes32 agreementX;
        bytes32 agreementY;
        uint64 nonce;
        uint64 deadline;
    }

    /// @notice An institution was registered, with its one master key. `digest`, here and in every event, is that of the signed
    /// action: whoever submitted it, its author finds it by that.
    event InstitutionRegistered(
        bytes32 indexed digest,
        bytes32 indexed institution,
        string name,
        string country,
        bytes32 masterX,
        bytes32 masterY,
        bytes32 wrapX,
        bytes32 wrapY,
        bytes32 agreementX,
        bytes32 agreementY
    );
    /// @notice The operator accredited the institution, or suspended it.
    event AccreditationSet(bytes32 indexed digest, bytes32 indexed institution, bool accredited);
    /// @notice The agreement key has moved to this epoch; what was sealed to older ones stays readable with them.
    event AgreementRotated(
        bytes32 indexed digest, bytes32 indexed institution, uint32 epoch, bytes32 agreementX, bytes32 agreementY
    );

    /// @notice The id is not the key id of the master key.
    error InstitutionMismatch();
    /// @notice The institution is registered already.
    error InstitutionExists();
    /// @notice The name is empty or longer than 200 bytes.
    error BadName();
    /// @notice The country is not two capital letters (ISO 3166-1 alpha-2).
    error BadCountry();
    /// @notice The epoch is not the next one.
    error BadEpoch(uint32 expected);

    bytes32 private constant REGISTER_INSTITUTION = keccak256(
        "RegisterInstitution(bytes32 institution,string name,string country,bytes32 masterX,bytes32 masterY,bytes32 wrapX,bytes32 wrapY,bytes32 agreementX,bytes32 agreementY,uint64 deadline)"
    );
    bytes32 private constant SET_ACCREDITATION =
        keccak256("SetAccreditation(bytes32 institution,bool accredited,uint64 nonce,uint64 deadline)");
    bytes32 private constant ROTATE_AGREEMENT = keccak256(
        "RotateAgreement(bytes32 institution,uint32 epoch,bytes32 agreementX,bytes32 agreementY,uint64 nonce,uint64 deadline)"
    );

    /// @notice How many institutions are registered.
    uint32 public institutionCount;
    /// @notice The id of the institution with a number from 1 to {institutionCount}; zero for any other number.
    mapping(uint32 number => bytes32) public institutionAt;

    /// @notice Registers an institution under its one master key, with threshold 1, masters version 1, agreement epoch 1 and
    /// nonce 0, not yet accredited.
    /// Reverts with {DeadlinePassed}, {InstitutionMismatch}, {InstitutionExists}, {BadName}, {BadCountry},
    /// {BadKey} for the agreement key or the wrap key, or {BadSignature} unless the master key signed.
    /// @param m The action.
    /// @param signature Over the action's digest, `s` low.
    function registerInstitution(RegisterInstitution calldata m, Signature calldata signature) external {
        bytes32 digest = _action(_hash(m), m.deadline);
        if (_keyId(m.masterX, m.masterY) != m.institution) revert InstitutionMismatch();
        Institution storage i = _institutions[m.institution];
        if (i.status != Status.Unknown) revert InstitutionExists();
        if (bytes(m.name).length == 0 || bytes(m.name).length > 200) revert BadName();
        _requireCountry(bytes(m.country));
        _requireKey(m.agreementX, m.agreementY);
        _requireKey(m.wrapX, m.wrapY);
        _require(digest, signature, m.masterX, m.masterY);

        uint32 number = ++institutionCount;
        institutionAt[number] = m.institution;
        (i.number, i.status, i.epoch, i.registered) = (number, Status.Registered, 1, uint64(block.number));
        (i.masters, i.threshold, i.count) = (1, 1, 1);
        i.keys[0] = MasterKey(m.masterX, m.masterY);
        (i.agreementX, i.agreementY) = (m.agreementX, m.agreementY);
        (i.name, i.country) = (m.name, m.country);
        emit InstitutionRegistered(
            digest,
            m.institution,
            m.name,
            m.country,
            m.masterX,
            m.masterY,
            m.wrapX,
            m.wrapY,
            m.agreementX,
            m.agreementY
        );
    }

    /// @notice Accredits or suspends an institution.
    /// Reverts with {DeadlinePassed}, {BadSignature} unless the operator signed, {BadNonce}, or {InstitutionUnknown}.
    /// @param m The action.
    /// @param signature Over the action's digest, `s` low.
    function setAccreditation(SetAccreditation calldata m, Signature calldata signature) external {
        bytes32 structHash =
            keccak256(abi.encode(SET_ACCREDITATION, m.institution, m.accredited, m.nonce, m.deadline));
        bytes32 digest = _operatorAction(structHash, m.nonce, m.deadline, signature);
        Institution storage i = _known(m.institution);
        i.status = m.accredited ? Status.Accredited : Status.Suspended;
        emit AccreditationSet(digest, m.institution, m.accredited);
    }

    /// @notice Moves the agreement key to its next epoch.
    /// Reverts with {DeadlinePassed}, {InstitutionUnknown}, {BadSignature} unless a master key signed, {BadNonce},
    /// {BadEpoch} unless the epoch is the next one, or {BadKey}.
    /// @param m The action.
    /// @param signature Over the action's digest, `s` low.
    function rotateAgreement(RotateAgreement calldata m, Signature calldata signature) external {
        bytes32 digest = _action(
            keccak256(
                abi.encode(
                    ROTATE_AGREEMENT, m.institution, m.epoch, m.agreementX, m.agreementY, m.nonce, m.deadline
                )
            ),
            m.deadline
        );
        Institution storage i = _known(m.institution);
        _requireMaster(i, digest, signature);
        _takeNonce(i, m.nonce);
        if (m.epoch != i.epoch + 1) revert BadEpoch(i.epoch + 1);
        _requireKey(m.agreementX, m.agreementY);
        (i.epoch, i.agreementX, i.agreementY) = (m.epoch, m.agreementX, m.agreementY);
        emit AgreementRotated(digest, m.institution, m.epoch, m.agreementX, m.agreementY);
    }

    /// @notice An institution, or zeros with {Status} Unknown.
    function institution(bytes32 id) external view returns (Institution memory) {
        return _institutions[id];
    }

    function _hash(RegisterInstitution calldata m) private pure returns (bytes32) {
        return keccak256(
            abi.encode(
                REGISTER_INSTITUTION,
                m.institution,
                keccak256(bytes(m.name)),
                keccak256(bytes(m.country)),
                m.masterX,
                m.masterY,
                m.wrapX,
                m.wrapY,
                m.agreementX,
                m.agreementY,
                m.deadline
            )
        );
    }

    function _requireCountry(bytes calldata country) private pure {
        if (country.length != 2) revert BadCountry();
        for (uint256 n; n < 2; ++n) {
            if (country[n] < "A" || country[n] > "Z") revert BadCountry();
        }
    }
}
