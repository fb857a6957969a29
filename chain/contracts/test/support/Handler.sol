// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Documents} from "./Documents.sol";
import {Hashes} from "./Hashes.sol";
import {Typed} from "../../src/Typed.sol";
import {Operator} from "../../src/Operator.sol";
import {Masters} from "../../src/Masters.sol";
import {Institutions} from "../../src/Institutions.sol";
import {Devices} from "../../src/Devices.sol";
import {Checkpoints} from "../../src/Checkpoints.sol";
import {Grants} from "../../src/Grants.sol";
import {Wardkey} from "../../src/Wardkey.sol";

/// @title Everybody of a small network, doing things in any order
/// @notice Two institutions, three devices and three grants, so that actions meet. An action may be refused; what was once
/// revoked is remembered here, and what only rises is compared after every action.
contract Handler is Documents {
    uint256 internal constant INSTITUTIONS = 2;
    uint256 internal constant DEVICES = 3;
    uint256 internal constant GRANTS = 3;

    mapping(bytes32 device => bool) public deviceRevoked;
    mapping(bytes32 institution => mapping(bytes32 device => bool)) public barred;
    mapping(uint256 grant => bool) public grantRevoked;
    /// @dev Number of an institution's first master key.
    mapping(bytes32 institution => uint256) internal masters;
    /// @dev What is asked under each grant, signed once.
    Question[GRANTS] internal questions;
    uint64 internal operatorNonce;
    uint64[2] internal nonces;
    uint64 internal size;
    /// @notice What fell that may only rise; empty if nothing did.
    string public fell;
    /// @notice How many actions the contract accepted.
    uint256 public done;

    constructor(Wardkey wardkey_) {
        wardkey = wardkey_;
        for (uint256 n; n < INSTITUTIONS; ++n) {
            masters[institution(n)] = n;
        }
        for (uint256 n; n < GRANTS; ++n) {
            uint256[12] memory w = words(institution(n));
            w[7] = n;
            questions[n] = question(w, 0);
        }
    }

    function master(uint256 n) internal pure returns (Key memory) {
        return key(string.concat("master ", vm.toString(n)));
    }

    function institution(uint256 n) public pure returns (bytes32) {
        return idOf(master(n % INSTITUTIONS));
    }

    function deviceKey(uint256 n) internal pure returns (Key memory) {
        return key(string.concat("card ", vm.toString(n % DEVICES)));
    }

    function device(uint256 n) public pure returns (bytes32) {
        return idOf(deviceKey(n));
    }

    /// @notice Words of a grant document; the salt makes them several.
    function document(uint256 grant_) public view returns (uint256[12] memory) {
        return questions[grant_ % GRANTS].words;
    }

    /// @dev Who holds an institution: the current first key.
    function hospital(uint256 n) internal view returns (Hospital memory h) {
        h.id = institution(n);
        h.master = master(masters[h.id]);
    }

    function attempt(bytes memory call) internal returns (bool ok) {
        (ok,) = address(wardkey).call(call);
        if (ok) ++done;
        risen();
    }

    /// @dev Compares what only rises with what it was.
    function risen() internal {
        uint64 operators = wardkey.operatorNonce();
        if (operators < operatorNonce) fell = "operator's nonce";
        operatorNonce = operators;
        for (uint256 n; n < INSTITUTIONS; ++n) {
            uint64 nonce = wardkey.institution(institution(n)).nonce;
            if (nonce < nonces[n]) fell = "an institution's nonce";
            nonces[n] = nonce;
        }
        (uint64 newest,,,) = wardkey.checkpoint();
        if (newest < size) fell = "size of the log";
        size = newest;
    }

    function register(uint256 n) external {
        Key memory first = master(n % INSTITUTIONS);
        (, Institutions.RegisterInstitution memory m) = registration("Any");
        (m.institution, m.masterX, m.masterY) = (idOf(first), first.x, first.y);
        attempt(abi.encodeCall(wardkey.registerInstitution, (m, sign(first, Hashes.hash(m)))));
    }

    function setAccreditation(uint256 n, bool accredited_) external {
        Institutions.SetAccreditation memory m =
            Institutions.SetAccreditation(institution(n), accredited_, wardkey.operatorNonce(), LATER);
        attempt(abi.encodeCall(wardkey.setAccreditation, (m, sign(key("operator"), Hashes.hash(m)))));
    }

    function setGateway(uint256 seed, bool active) external {
        Key memory k = keyOf(seed % 3);
        Operator.SetGateway memory m = Operator.SetGateway(k.x, k.y, active, wardkey.operatorNonce(), LATER);
        attempt(abi.encodeCall(wardkey.setGateway, (m, sign(key("operator"), Hashes.hash(m)))));
    }

    function rotate(uint256 n, uint256 seed) external {
        Hospital memory h = hospital(n);
        Masters.Institution memory i = wardkey.institution(h.id);
        Key memory k = keyOf(seed);
        Institutions.RotateAgreement memory m =
            Institutions.RotateAgreement(h.id, i.epoch + 1, k.x, k.y, i.nonce, LATER);
        attempt(abi.encodeCall(wardkey.rotateAgreement, (m, sign(h.master, Hashes.hash(m)))));
    }

    /// @notice Replaces the one master by another one, or by itself.
    function replaceMaster(uint256 n, uint8 next) external {
        Hospital memory h = hospital(n);
        uint256 number = 10 + n % INSTITUTIONS * 10 + next % 4;
        Key memory fresh = master(number);
        Masters.SetMasters memory m = mastersChange(h.id, entry(fresh), 1);
        bytes32 action = Hashes.hash(m);
        bool same = fresh.x == h.master.x;
        Typed.Signature[] memory list = same ? by(h.master, action) : by(h.master, fresh, action);
        if (attempt(abi.encodeCall(wardkey.setMasters, (m, list)))) masters[h.id] = number;
    }

    /// @notice Asks for a list of any length and threshold; refused or not, the bounds hold.
    function setMasters(uint256 n, uint8 length, uint8 threshold) external {
        Hospital memory h = hospital(n);
        length %= 7;
        Typed.Signature[] memory list = new Typed.Signature[](length);
        bytes memory keys;
        for (uint256 k; k < length; ++k) {
            keys = bytes.concat(keys, entry(k == 0 ? h.master : master(50 + k)));
        }
        Masters.SetMasters memory m = mastersChange(h.id, keys, threshold % 7);
        bytes32 action = Hashes.hash(m);
        for (uint256 k; k < length; ++k) {
            list[k] = sign(k == 0 ? h.master : master(50 + k), action);
        }
        attempt(abi.encodeCall(wardkey.setMasters, (m, list)));
    }

    function approveAny(uint256 n, uint256 which, uint8 rights, uint64 lasts) external {
        Hospital memory h = hospital(n);
        Key memory k = deviceKey(which);
        attempt(approveCall(h, k, approval(h, k, rights % 5, uint64(block.timestamp) + lasts % 100_000)));
    }

    function suspendAny(uint256 n, uint256 which, bool suspended) external {
        attempt(suspensionCall(hospital(n), device(which), suspended));
    }

    /// @notice Revokes a device; with its institution registered this must succeed.
    function revokeAny(uint256 n, uint256 which) external {
        Hospital memory h = hospital(n);
        bytes32 id = device(which);
        bool theirs = wardkey.device(id).institution == h.id;
        bool known = wardkey.institution(h.id).number != 0;
        vm.assertTrue(attempt(revokeDeviceCall(h, id)) == known, "a revocation of a device never fails");
        if (!known) return;
        if (theirs) deviceRevoked[id] = true;
        else barred[h.id][id] = true;
    }

    function grantAny(uint256 which) external {
        bytes32 commitment = sha256(abi.encode(document(which)));
        Grants.Grant memory m = Grants.Grant(commitment, LATER);
        Key memory k = key("one-time");
        attempt(abi.encodeCall(wardkey.grant, (m, k.x, k.y, sign(k, Hashes.hash(m)))));
    }

    /// @notice Revokes a grant, which must succeed.
    function revokeGrantAny(uint256 which) external {
        Grants.Revoke memory m = Grants.Revoke(sha256(abi.encode(document(which))), LATER);
        Key memory k = key("one-time");
        bool ok = attempt(abi.encodeCall(wardkey.revoke, (m, k.x, k.y, sign(k, Hashes.hash(m)))));
        vm.assertTrue(ok, "a revocation of a grant never fails");
        grantRevoked[which % GRANTS] = true;
    }

    function setCheckpoint(uint64 newSize, bytes32 root) external {
        Checkpoints.Checkpoint memory m = Checkpoints.Checkpoint(newSize % 1000, root, LATER);
        attempt(abi.encodeCall(wardkey.setCheckpoint, (m, sign(key("operator"), Hashes.hash(m)))));
    }

    function wait_(uint16 seconds_) external {
        vm.warp(block.timestamp + seconds_);
        vm.roll(block.number + 1);
    }

    /// @notice The contract's answer, reading section 1 (right 1) or writing it (right 2).
    function permission(uint256 grant_, uint256 which, uint8 right) external view returns (uint8) {
        Question memory q = questions[grant_ % GRANTS];
        (q.device, q.right) = (device(which), right);
        return asked(q);
    }
}
