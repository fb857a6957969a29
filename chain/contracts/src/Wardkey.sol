// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {Typed} from "./Typed.sol";
import {Operator} from "./Operator.sol";
import {Devices} from "./Devices.sol";
import {Grants} from "./Grants.sol";
import {Checkpoints} from "./Checkpoints.sol";

/// @title Wardkey: who may do what to whose records
/// @notice `permission` is the rule of protocol §3; `wardkey_core::permission::check` is the same in Rust, and a
/// differential test holds the two equal.
contract Wardkey is Devices, Grants, Checkpoints {
    /// @notice The bytes are not the canonical 384 bytes of a grant document.
    error GrantMalformed();

    bytes32 private constant GRANT_DOCUMENT = keccak256(
        "GrantDocument(bytes32 patient,bytes32 institution,uint32 read,uint32 write,uint8 purpose,uint64 notBefore,uint64 expiry,bytes32 salt,bytes32 keyX,bytes32 keyY,uint256 chainId,address wardkey)"
    );

    // Words of a grant document.
    uint256 private constant PATIENT = 0;
    uint256 private constant INSTITUTION = 1;
    uint256 private constant READ = 2;
    uint256 private constant WRITE = 3;
    uint256 private constant PURPOSE = 4;
    uint256 private constant NOT_BEFORE = 5;
    uint256 private constant EXPIRY = 6;
    uint256 private constant KEY_X = 8;
    uint256 private constant KEY_Y = 9;
    uint256 private constant CHAIN_ID = 10;
    uint256 private constant WARDKEY = 11;

    constructor(bytes32 operatorX, bytes32 operatorY, bytes32 gatewayX, bytes32 gatewayY, bytes32 salt_)
        Typed(salt_)
        Operator(operatorX, operatorY, gatewayX, gatewayY)
    {}

    /// @notice Whether a device may act now on a section under a presented grant: 0, or the number of the first reason
    /// against it (protocol §3). Reverts with {GrantMalformed} if the document is not canonical.
    /// @param document Canonical bytes of the grant document, 384.
    /// @param patientSignature `r‖s` by the patient's root key, 64 bytes; any other length is reason 3.
    /// @param patientKey The root key as a 65-byte uncompressed point.
    /// @param device_ Device id.
    /// @param section Section number.
    /// @param right 1 read, 2 write; any other is reason 15.
    /// @return code 0, or a reason from 1 to 16; the first that applies, in their order.
    function permission(
        bytes calldata document,
        bytes calldata patientSignature,
        bytes calldata patientKey,
        bytes32 device_,
        uint8 section,
        uint8 right
    ) external view returns (uint8 code) {
        uint256[12] memory w = _words(document);
        if (w[CHAIN_ID] != block.chainid || w[WARDKEY] != uint160(address(this))) return 1;
        if (sha256(patientKey) != bytes32(w[PATIENT])) return 2;
        if (!_signed(document, patientSignature, patientKey)) return 3;
        code = _grantReason(document, w);
        if (code != 0) return code;
        code = _deviceReason(bytes32(w[INSTITUTION]), device_, right);
        if (code != 0) return code;
        uint256 mask = right == 1 ? w[READ] : w[WRITE];
        if (section > 30 || mask & (1 << section) == 0) return 16;
    }

    /// @dev Reasons 4 to 7.
    function _grantReason(bytes calldata document, uint256[12] memory w) private view returns (uint8) {
        GrantStatus status = _grants[_grantId(sha256(document), bytes32(w[KEY_X]), bytes32(w[KEY_Y]))].status;
        if (status == GrantStatus.Unknown) return 4;
        if (status == GrantStatus.Revoked) return 5;
        // slither-disable-next-line timestamp
        if (block.timestamp < w[NOT_BEFORE]) return 6;
        // slither-disable-next-line timestamp
        if (block.timestamp >= w[EXPIRY]) return 7;
        return 0;
    }

    /// @dev Reasons 8 to 15.
    function _deviceReason(bytes32 institution_, bytes32 device_, uint8 right) private view returns (uint8) {
        Institution storage i = _institutions[institution_];
        if (i.status == Status.Unknown) return 8;
        if (i.status != Status.Accredited) return 9;
        StoredDevice storage d = _devices[device_];
        if (d.institution == 0) return 10;
        if (d.institution != i.number) return 11;
        if (d.revoked) return 12;
        if (d.suspended) return 13;
        // slither-disable-next-line timestamp
        if (block.timestamp >= d.notAfter) return 14;
        if ((right != 1 && right != 2) || d.rights & right == 0) return 15;
        return 0;
    }

    function _signed(bytes calldata document, bytes calldata signature, bytes calldata key)
        private
        view
        returns (bool)
    {
        if (signature.length != 64 || key.length != 65 || key[0] != 0x04) return false;
        return P256.verify(
            _digest(keccak256(abi.encodePacked(GRANT_DOCUMENT, document))),
            bytes32(signature[:32]),
            bytes32(signature[32:]),
            bytes32(key[1:33]),
            bytes32(key[33:])
        );
    }

    /// @dev The twelve words. Every field must be in its type's range, so that one document has one encoding.
    function _words(bytes calldata document) private pure returns (uint256[12] memory w) {
        if (document.length != 384) revert GrantMalformed();
        w = abi.decode(document, (uint256[12]));
        uint256 excess = (w[READ] | w[WRITE]) >> 32 | w[PURPOSE] >> 8 | (w[NOT_BEFORE] | w[EXPIRY]) >> 64
            | w[WARDKEY] >> 160;
        if (excess != 0) revert GrantMalformed();
    }
}
