// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Operator} from "../../src/Operator.sol";
import {Masters} from "../../src/Masters.sol";
import {Institutions} from "../../src/Institutions.sol";
import {Devices} from "../../src/Devices.sol";
import {Grants} from "../../src/Grants.sol";
import {Checkpoints} from "../../src/Checkpoints.sol";

/// @title hashStruct of every action (protocol §2), written a second time from the papers
library Hashes {
    function hash(Operator.SetGateway memory m) internal pure returns (bytes32) {
        return keccak256(
            bytes.concat(keccak256("SetGateway(bytes32 keyX,bytes32 keyY,bool active,uint64 nonce,uint64 deadline)"), abi.encode(m))
        );
    }

    function hash(Institutions.SetAccreditation memory m) internal pure returns (bytes32) {
        return keccak256(
            bytes.concat(keccak256("SetAccreditation(bytes32 institution,bool accredited,uint64 nonce,uint64 deadline)"), abi.encode(m))
        );
    }

    function hash(Institutions.RotateAgreement memory m) internal pure returns (bytes32) {
        bytes32 name = keccak256(
            "RotateAgreement(bytes32 institution,uint32 epoch,bytes32 agreementX,bytes32 agreementY,uint64 nonce,uint64 deadline)"
        );
        return keccak256(bytes.concat(name, abi.encode(m)));
    }

    function hash(Institutions.RegisterInstitution memory m) internal pure returns (bytes32) {
        bytes32 name = keccak256(
            "RegisterInstitution(bytes32 institution,string name,string country,bytes32 masterX,bytes32 masterY,bytes32 wrapX,bytes32 wrapY,bytes32 agreementX,bytes32 agreementY,uint64 deadline)"
        );
        bytes memory head = bytes.concat(name, m.institution, keccak256(bytes(m.name)), keccak256(bytes(m.country)));
        bytes memory keys = bytes.concat(m.masterX, m.masterY, m.wrapX, m.wrapY, m.agreementX, m.agreementY);
        return keccak256(bytes.concat(head, keys, bytes32(uint256(m.deadline))));
    }

    function hash(Masters.SetMasters memory m) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("SetMasters(bytes32 institution,bytes keys,uint8 threshold,uint64 nonce,uint64 deadline)"),
                m.institution,
                keccak256(m.keys),
                m.threshold,
                m.nonce,
                m.deadline
            )
        );
    }

    function hash(Devices.ApproveDevice memory m) internal pure returns (bytes32) {
        bytes32 name = keccak256(
            "ApproveDevice(bytes32 institution,bytes32 deviceX,bytes32 deviceY,uint8 rights,uint64 notAfter,bytes32 certificate,uint32 masters,uint32 nonce,uint64 deadline)"
        );
        return keccak256(bytes.concat(name, abi.encode(m)));
    }

    function hash(Devices.RequestDevice memory m) internal pure returns (bytes32) {
        bytes32 name =
            keccak256("RequestDevice(bytes32 institution,bytes32 certificate,bytes32 challenge,uint64 deadline)");
        return keccak256(bytes.concat(name, abi.encode(m)));
    }

    function hash(Devices.RevokeDevice memory m) internal pure returns (bytes32) {
        return keccak256(
            bytes.concat(keccak256("RevokeDevice(bytes32 institution,bytes32 device,uint64 deadline)"), abi.encode(m))
        );
    }

    function hash(Devices.SetSuspension memory m) internal pure returns (bytes32) {
        bytes32 name = keccak256(
            "SetSuspension(bytes32 institution,bytes32 device,bool suspended,uint32 masters,uint32 nonce,uint64 deadline)"
        );
        return keccak256(bytes.concat(name, abi.encode(m)));
    }

    function hash(Grants.Grant memory m) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256("Grant(bytes32 commitment,uint64 deadline)"), abi.encode(m)));
    }

    function hash(Grants.Revoke memory m) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256("Revoke(bytes32 commitment,uint64 deadline)"), abi.encode(m)));
    }

    function hash(Checkpoints.Checkpoint memory m) internal pure returns (bytes32) {
        return keccak256(
            bytes.concat(keccak256("Checkpoint(uint64 size,bytes32 root,uint64 deadline)"), abi.encode(m))
        );
    }
}
