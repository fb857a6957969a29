//! The contract's interface as Rust types. A test compares it with the compiled artefact's ABI.
//!
//! Actions are named by their selectors only; their arguments are `wardkey_core`'s typed structs (see `call`).

alloy_sol_types::sol! {
    // Actions.
    function registerInstitution((bytes32, string, string, bytes32, bytes32, bytes32, bytes32, bytes32, bytes32, uint64), (bytes32, bytes32)) external;
    function setAccreditation((bytes32, bool, uint64, uint64), (bytes32, bytes32)) external;
    function setGateway((bytes32, bytes32, bool, uint64, uint64), (bytes32, bytes32)) external;
    function approveDevice((bytes32, bytes32, bytes32, uint8, uint64, bytes32, uint32, uint32, uint64), (bytes32, bytes32)[], (bytes32, bytes32, bytes32, uint64), (bytes32, bytes32)) external;
    function revokeDevice((bytes32, bytes32, uint64), (bytes32, bytes32)) external;
    function rotateAgreement((bytes32, uint32, bytes32, bytes32, uint64, uint64), (bytes32, bytes32)) external;
    function setSuspension((bytes32, bytes32, bool, uint32, uint32, uint64), (bytes32, bytes32)[]) external;
    function setMasters((bytes32, bytes, uint8, uint64, uint64), (bytes32, bytes32)[]) external;
    function grant((bytes32, uint64), bytes32, bytes32, (bytes32, bytes32)) external;
    function revoke((bytes32, uint64), bytes32, bytes32, (bytes32, bytes32)) external;
    function setCheckpoint((uint64, bytes32, uint64), (bytes32, bytes32)) external;

    // Views.
    #[derive(Debug)]
    struct MasterKeyView { bytes32 x; bytes32 y; }
    #[derive(Debug)]
    struct InstitutionView {
        uint32 number; uint8 status; uint32 epoch; uint64 nonce; uint64 registered; uint32 masters; uint8 threshold; uint8 count;
        bytes32 agreementX; bytes32 agreementY; string name; string country; MasterKeyView[5] keys;
    }
    #[derive(Debug)]
    struct DeviceView { bytes32 institution; uint8 rights; uint64 notAfter; bool revoked; bool suspended; uint32 nonce; bytes32 certificate; }
    function institution(bytes32 id) external view returns (InstitutionView memory);
    function institutionCount() external view returns (uint32);
    function institutionAt(uint32 number) external view returns (bytes32);
    function device(bytes32 id) external view returns (DeviceView memory);
    #[derive(Debug)]
    function grantStatus(bytes32 commitment, bytes32 keyX, bytes32 keyY) external view returns (uint8 status, uint64 since);
    #[derive(Debug)]
    function checkpoint() external view returns (uint64 size, bytes32 root, uint64 number, uint64 time);
    function isGateway(bytes32 gateway) external view returns (bool);
    function operator() external view returns (bytes32 x, bytes32 y);
    function operatorNonce() external view returns (uint64);
    function VERSION() external view returns (string memory);
    function salt() external view returns (bytes32);
    function domainSeparator() external view returns (bytes32);
    function permission(bytes document, bytes patientSignature, bytes patientKey, bytes32 device_, uint8 section, uint8 right) external view returns (uint8 code);

    // Events; the first topic after the signature is always the action's digest.
    #[derive(Debug)]
    event GatewaySet(bytes32 indexed digest, bytes32 indexed gateway, bytes32 keyX, bytes32 keyY, bool active);
    #[derive(Debug)]
    event InstitutionRegistered(bytes32 indexed digest, bytes32 indexed institution, string name, string country, bytes32 masterX, bytes32 masterY, bytes32 wrapX, bytes32 wrapY, bytes32 agreementX, bytes32 agreementY);
    #[derive(Debug)]
    event AccreditationSet(bytes32 indexed digest, bytes32 indexed institution, bool accredited);
    #[derive(Debug)]
    event AgreementRotated(bytes32 indexed digest, bytes32 indexed institution, uint32 epoch, bytes32 agreementX, bytes32 agreementY);
    #[derive(Debug)]
    event MastersSet(bytes32 indexed digest, bytes32 indexed institution, uint32 version, bytes keys, uint8 threshold);
    #[derive(Debug)]
    event DeviceApproved(bytes32 indexed digest, bytes32 indexed institution, bytes32 indexed device, bytes32 deviceX, bytes32 deviceY, uint8 rights, uint64 notAfter, bytes32 certificate);
    #[derive(Debug)]
    event DeviceRevoked(bytes32 indexed digest, bytes32 indexed institution, bytes32 indexed device);
    #[derive(Debug)]
    event SuspensionSet(bytes32 indexed digest, bytes32 indexed institution, bytes32 indexed device, bool suspended);
    #[derive(Debug)]
    event DeviceBarred(bytes32 indexed digest, bytes32 indexed institution, bytes32 indexed device);
    #[derive(Debug)]
    event Granted(bytes32 indexed digest, bytes32 indexed commitment, bytes32 keyX, bytes32 keyY);
    #[derive(Debug)]
    event Revoked(bytes32 indexed digest, bytes32 indexed commitment, bytes32 keyX, bytes32 keyY);
    #[derive(Debug)]
    event CheckpointSet(bytes32 indexed digest, uint64 size, bytes32 root);

    // Errors.
    error DeadlinePassed(uint64 deadline);
    error BadSignature();
    error BadNonce(uint64 expected);
    error BadKey();
    error InstitutionMismatch();
    error InstitutionExists();
    error InstitutionUnknown();
    error BadName();
    error BadCountry();
    error BadEpoch(uint32 expected);
    error BadRights();
    error BadExpiry();
    error ProofMismatch();
    error BadProof();
    error DeviceElsewhere();
    error DeviceIsRevoked();
    error DeviceUnknown();
    error BadMasters();
    error BadThreshold();
    error MastersChanged(uint32 current);
    error SignatureCount(uint256 needed, uint256 given);
    error GrantIsRevoked();
    error CheckpointFalls(uint64 size);
    error CheckpointForks();
    error GrantMalformed();
}
