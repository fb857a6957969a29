// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {World} from "./World.sol";
import {Hashes} from "./Hashes.sol";
import {Typed} from "../../src/Typed.sol";
import {Grants} from "../../src/Grants.sol";

/// @title Grant documents, live on chain, as a device presents them
abstract contract Documents is World {
    bytes32 internal constant GRANT_DOCUMENT = keccak256(
        "GrantDocument(bytes32 patient,bytes32 institution,uint32 read,uint32 write,uint8 purpose,uint64 notBefore,uint64 expiry,bytes32 salt,bytes32 keyX,bytes32 keyY,uint256 chainId,address wardkey)"
    );

    /// @dev What `permission` is asked.
    struct Question {
        uint256[12] words;
        bytes signature;
        bytes patientKey;
        bytes32 device;
        uint8 section;
        uint8 right;
    }

    /// @dev Sections 0 to 3 for reading, section 1 for writing, from START to START + 100 000.
    function words(bytes32 institution) internal view returns (uint256[12] memory w) {
        Key memory oneTime = key("one-time");
        (w[0], w[1]) = (uint256(idOf(key("patient"))), uint256(institution));
        (w[2], w[3], w[4]) = (15, 2, 1);
        (w[5], w[6], w[7]) = (START, START + 100_000, 5);
        (w[8], w[9]) = (uint256(oneTime.x), uint256(oneTime.y));
        (w[10], w[11]) = (block.chainid, uint160(address(wardkey)));
    }

    function question(uint256[12] memory w, bytes32 device) internal view returns (Question memory q) {
        Key memory patient = key("patient");
        Typed.Signature memory given = sign(patient, keccak256(bytes.concat(GRANT_DOCUMENT, abi.encode(w))));
        q = Question(w, bytes.concat(given.r, given.s), bytes.concat(hex"04", patient.x, patient.y), device, 1, 1);
    }

    function asked(Question memory q) internal view returns (uint8) {
        return wardkey.permission(abi.encode(q.words), q.signature, q.patientKey, q.device, q.section, q.right);
    }

    function makeLive(uint256[12] memory w) internal {
        Grants.Grant memory m = Grants.Grant(sha256(abi.encode(w)), LATER);
        Key memory k = key("one-time");
        wardkey.grant(m, k.x, k.y, sign(k, Hashes.hash(m)));
    }

    function revokeGrant(uint256[12] memory w) internal {
        Grants.Revoke memory m = Grants.Revoke(sha256(abi.encode(w)), LATER);
        Key memory k = key("one-time");
        wardkey.revoke(m, k.x, k.y, sign(k, Hashes.hash(m)));
    }
}
