// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Vm} from "./Vm.sol";
import {Typed} from "../../src/Typed.sol";

/// @title P-256 keys by name, and signatures with a low `s`
abstract contract Keys {
    struct Key {
        uint256 secret;
        bytes32 x;
        bytes32 y;
    }

    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 internal constant N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551;

    /// @dev The same key for the same name.
    function key(string memory name) internal pure returns (Key memory) {
        return keyOf(uint256(keccak256(bytes(name))));
    }

    function keyOf(uint256 seed) internal pure returns (Key memory) {
        uint256 secret = seed % (N - 1) + 1;
        (uint256 x, uint256 y) = vm.publicKeyP256(secret);
        return Key(secret, bytes32(x), bytes32(y));
    }

    function idOf(Key memory k) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(hex"04", k.x, k.y));
    }

    function signed(Key memory k, bytes32 digest) internal pure returns (Typed.Signature memory) {
        (bytes32 r, bytes32 s) = vm.signP256(k.secret, digest);
        return Typed.Signature(r, uint256(s) > N / 2 ? bytes32(N - uint256(s)) : s);
    }

    /// @dev The same signature with a high `s`, which is valid ECDSA and refused here.
    function high(Typed.Signature memory given) internal pure returns (Typed.Signature memory) {
        return Typed.Signature(given.r, bytes32(N - uint256(given.s)));
    }
}
