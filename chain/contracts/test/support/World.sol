// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Keys} from "./Keys.sol";
import {Hashes} from "./Hashes.sol";
import {Typed} from "../../src/Typed.sol";
import {Operator} from "../../src/Operator.sol";
import {Masters} from "../../src/Masters.sol";
import {Institutions} from "../../src/Institutions.sol";
import {Devices} from "../../src/Devices.sol";
import {Wardkey} from "../../src/Wardkey.sol";

/// @title A small world: the committed bytecode, fixed keys, a clock
abstract contract World is Keys {
    struct Hospital {
        bytes32 id;
        Key master;
    }

    uint64 internal constant START = 1_800_000_000;
    /// @dev A deadline that no test reaches unless it means to.
    uint64 internal constant LATER = START + 1_000_000;
    bytes32 internal constant SALT = bytes32(uint256(7));

    Wardkey internal wardkey;

    function setUp() public virtual {
        vm.warp(START);
        vm.roll(100);
        vm.chainId(7001);
        Key memory operator = key("operator");
        Key memory gateway = key("gateway");
        wardkey = Wardkey(create(abi.encode(operator.x, operator.y, gateway.x, gateway.y, SALT)));
        vm.assertTrue(address(wardkey) != address(0), "the committed bytecode deploys");
    }

    /// @dev Deploys out/Wardkey.json, which is what users get; zero if the constructor reverts.
    function create(bytes memory arguments) internal returns (address made) {
        string memory artefact = vm.readFile("out/Wardkey.json");
        bytes memory code = bytes.concat(vm.parseBytes(vm.parseJsonString(artefact, ".bytecode")), arguments);
        assembly ("memory-safe") {
            made := create(0, add(code, 0x20), mload(code))
        }
    }

    /// @dev SHA-256("\x19\x01" ‖ domain ‖ struct), the domain computed here.
    function digestOf(bytes32 structHash) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)"
        );
        bytes32 separator =
            keccak256(abi.encode(domain, keccak256("Wardkey"), keccak256("1"), block.chainid, address(wardkey), SALT));
        return sha256(bytes.concat(hex"1901", separator, structHash));
    }

    function sign(Key memory k, bytes32 structHash) internal view returns (Typed.Signature memory) {
        return signed(k, digestOf(structHash));
    }

    function by(Key memory a, bytes32 structHash) internal view returns (Typed.Signature[] memory list) {
        list = new Typed.Signature[](1);
        list[0] = sign(a, structHash);
    }

    function by(Key memory a, Key memory b, bytes32 structHash) internal view returns (Typed.Signature[] memory list) {
        list = new Typed.Signature[](2);
        (list[0], list[1]) = (sign(a, structHash), sign(b, structHash));
    }

    /// @dev Succeeds, with this as the one thing that a failure shows.
    function accepted(bytes memory call) internal {
        (bool ok, bytes memory answer) = address(wardkey).call(call);
        if (!ok) vm.assertEq(answer, "", "accepted");
        vm.assertTrue(ok, "accepted");
    }

    /// @dev Reverts with exactly these bytes.
    function refused(bytes memory call, bytes memory reason) internal {
        (bool ok, bytes memory answer) = address(wardkey).call(call);
        vm.assertTrue(!ok, "must be refused");
        vm.assertEq(answer, reason, "reason of the refusal");
    }

    function refused(bytes memory call, bytes4 reason) internal {
        refused(call, abi.encodePacked(reason));
    }

    function deadlinePassed(uint64 deadline) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(Typed.DeadlinePassed.selector, deadline);
    }

    function badNonce(uint64 expected) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(Typed.BadNonce.selector, expected);
    }

    function signatureCount(uint256 needed, uint256 given) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(Masters.SignatureCount.selector, needed, given);
    }

    function registration(string memory name)
        internal
        pure
        returns (Key memory master, Institutions.RegisterInstitution memory m)
    {
        master = key(string.concat(name, " master"));
        Key memory wrap = wrapOf(master);
        Key memory agreement = key(string.concat(name, " agreement"));
        m.institution = idOf(master);
        (m.name, m.country, m.deadline) = (name, "CH", LATER);
        (m.masterX, m.masterY, m.wrapX, m.wrapY) = (master.x, master.y, wrap.x, wrap.y);
        (m.agreementX, m.agreementY) = (agreement.x, agreement.y);
    }

    /// @dev The agreement key of the card that holds a master key.
    function wrapOf(Key memory master) internal pure returns (Key memory) {
        return keyOf(uint256(keccak256(abi.encode("wrap of", master.x))));
    }

    function registered(string memory name) internal returns (Hospital memory h) {
        Institutions.RegisterInstitution memory m;
        (h.master, m) = registration(name);
        h.id = m.institution;
        wardkey.registerInstitution(m, sign(h.master, Hashes.hash(m)));
    }

    function accredit(bytes32 institution, bool accredited_) internal {
        Institutions.SetAccreditation memory m =
            Institutions.SetAccreditation(institution, accredited_, wardkey.operatorNonce(), LATER);
        wardkey.setAccreditation(m, sign(key("operator"), Hashes.hash(m)));
    }

    function accredited(string memory name) internal returns (Hospital memory h) {
        h = registered(name);
        accredit(h.id, true);
    }

    function entry(Key memory k) internal pure returns (bytes memory) {
        Key memory wrap = wrapOf(k);
        return bytes.concat(k.x, k.y, wrap.x, wrap.y);
    }

    function mastersChange(bytes32 institution, bytes memory keys, uint8 threshold)
        internal
        view
        returns (Masters.SetMasters memory)
    {
        return Masters.SetMasters(institution, keys, threshold, wardkey.institution(institution).nonce, LATER);
    }

    /// @dev Gives a hospital the masters (first, second, third) with threshold 2.
    function twoOfThree(Hospital memory h, Key memory second, Key memory third) internal {
        bytes memory keys = bytes.concat(entry(h.master), entry(second), entry(third));
        Masters.SetMasters memory m = mastersChange(h.id, keys, 2);
        bytes32 action = Hashes.hash(m);
        Typed.Signature[] memory list = new Typed.Signature[](3);
        (list[0], list[1], list[2]) = (sign(h.master, action), sign(second, action), sign(third, action));
        wardkey.setMasters(m, list);
    }

    function approval(Hospital memory h, Key memory device, uint8 rights, uint64 notAfter)
        internal
        view
        returns (Devices.ApproveDevice memory m)
    {
        m.institution = h.id;
        (m.deviceX, m.deviceY, m.rights, m.notAfter) = (device.x, device.y, rights, notAfter);
        m.certificate = keccak256(abi.encode("certificate", device.x));
        m.masters = wardkey.institution(h.id).masters;
        m.nonce = wardkey.device(idOf(device)).nonce;
        m.deadline = LATER;
    }

    function request(Devices.ApproveDevice memory m) internal pure returns (Devices.RequestDevice memory) {
        return Devices.RequestDevice(m.institution, m.certificate, bytes32(uint256(9)), LATER);
    }

    /// @dev The call of an approval by the first master, with the device's proof.
    function approveCall(Hospital memory h, Key memory device, Devices.ApproveDevice memory m)
        internal
        view
        returns (bytes memory)
    {
        return approveCall(by(h.master, Hashes.hash(m)), device, m);
    }

    function approveCall(Typed.Signature[] memory list, Key memory device, Devices.ApproveDevice memory m)
        internal
        view
        returns (bytes memory)
    {
        Devices.RequestDevice memory q = request(m);
        return abi.encodeCall(wardkey.approveDevice, (m, list, q, sign(device, Hashes.hash(q))));
    }

    function approve(Hospital memory h, Key memory device) internal {
        accepted(approveCall(h, device, approval(h, device, 3, START + 500_000)));
    }

    function revokeDeviceCall(Hospital memory h, bytes32 device) internal view returns (bytes memory) {
        Devices.RevokeDevice memory m = Devices.RevokeDevice(h.id, device, LATER);
        return abi.encodeCall(wardkey.revokeDevice, (m, sign(h.master, Hashes.hash(m))));
    }

    function suspension(Hospital memory h, bytes32 device, bool suspended)
        internal
        view
        returns (Devices.SetSuspension memory)
    {
        uint32 masters = wardkey.institution(h.id).masters;
        return Devices.SetSuspension(h.id, device, suspended, masters, wardkey.device(device).nonce, LATER);
    }

    function suspensionCall(Hospital memory h, bytes32 device, bool suspended) internal view returns (bytes memory) {
        Devices.SetSuspension memory m = suspension(h, device, suspended);
        return abi.encodeCall(wardkey.setSuspension, (m, by(h.master, Hashes.hash(m))));
    }
}
