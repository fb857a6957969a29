// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";

/// @title Signed typed structs (protocol §2)
/// @notice EIP-712 structs whose outer digest is SHA-256, so that browsers, PIV cards and HSMs can sign them.
/// `msg.sender` never matters: whoever pays for a transaction is nobody here.
abstract contract Typed {
    /// @notice An ECDSA P-256 signature with SHA-256; `s` must be low.
    struct Signature {
        bytes32 r;
        bytes32 s;
    }

    /// @notice The signed deadline lies before this block's time.
    error DeadlinePassed(uint64 deadline);
    /// @notice The signature does not verify under the key that must sign, or its `s` is high.
    error BadSignature();
    /// @notice The nonce is not the next one of its sequence.
    error BadNonce(uint64 expected);
    /// @notice The coordinates are no point of P-256.
    error BadKey();

    bytes32 private constant DOMAIN_TYPE = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)"
    );

    /// @notice Version of the contract: the `version` of its domain, so that no signature for one version counts for another.
    /// Nothing here can be upgraded; another version is another contract at another address.
    string public constant VERSION = "1";

    /// @notice Salt of this deployment.
    bytes32 public immutable salt;
    uint256 private immutable _chainAtStart;
    bytes32 private immutable _separatorAtStart;

    constructor(bytes32 salt_) {
        salt = salt_;
        _chainAtStart = block.chainid;
        _separatorAtStart = _separator(salt_);
    }

    /// @notice EIP-712 domain separator; follows the chain id if the chain forks.
    function domainSeparator() public view returns (bytes32) {
        return block.chainid == _chainAtStart ? _separatorAtStart : _separator(salt);
    }

    /// @dev Digest of a struct whose deadline holds.
    /// Reverts with {DeadlinePassed} when the deadline lies before this block's time.
    function _action(bytes32 structHash, uint64 deadline) internal view returns (bytes32) {
        // slither-disable-next-line timestamp
        if (block.timestamp > deadline) revert DeadlinePassed(deadline);
        return _digest(structHash);
    }

    function _digest(bytes32 structHash) internal view returns (bytes32) {
        return sha256(abi.encodePacked(hex"1901", domainSeparator(), structHash));
    }

    /// @dev Reverts with {BadSignature} unless the key signed the digest with a low `s`.
    function _require(bytes32 digest, Signature calldata signature, bytes32 x, bytes32 y) internal view {
        if (!_verifies(digest, signature, x, y)) revert BadSignature();
    }

    /// @dev Whether the key signed the digest with a low `s`.
    function _verifies(bytes32 digest, Signature calldata signature, bytes32 x, bytes32 y)
        internal
        view
        returns (bool)
    {
        return P256.verify(digest, signature.r, signature.s, x, y);
    }

    /// @dev Key id: SHA-256 of the 65-byte uncompressed point.
    function _keyId(bytes32 x, bytes32 y) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(hex"04", x, y));
    }

    /// @dev Reverts with {BadKey} unless the coordinates are a point of P-256.
    function _requireKey(bytes32 x, bytes32 y) internal pure {
        if (!P256.isValidPublicKey(x, y)) revert BadKey();
    }

    function _separator(bytes32 salt_) private view returns (bytes32) {
        return keccak256(
            abi.encode(DOMAIN_TYPE, keccak256("Wardkey"), keccak256(bytes(VERSION)), block.chainid, address(this), salt_)
        );
    }
}
