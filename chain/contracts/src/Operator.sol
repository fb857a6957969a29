// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Typed} from "./Typed.sol";

/// @title The network operator and its gateways
abstract contract Operator is Typed {
    /// @notice Signed by the operator: whether a gateway's key is active.
    struct SetGateway {
        bytes32 keyX;
        bytes32 keyY;
        bool active;
        uint64 nonce;
        uint64 deadline;
    }

    /// @notice A gateway's key became active or inactive; `digest` is zero for the first gateway, set at deployment.
    event GatewaySet(bytes32 indexed digest, bytes32 indexed gateway, bytes32 keyX, bytes32 keyY, bool active);

    bytes32 private constant SET_GATEWAY =
        keccak256("SetGateway(bytes32 keyX,bytes32 keyY,bool active,uint64 nonce,uint64 deadline)");

    bytes32 private immutable _operatorX;
    bytes32 private immutable _operatorY;

    /// @notice Next nonce of the operator's sequence.
    uint64 public operatorNonce;
    mapping(bytes32 gateway => bool) private _gateways;

    /// @dev Reverts with {BadKey} if a key is no point of P-256.
    constructor(bytes32 operatorX, bytes32 operatorY, bytes32 gatewayX, bytes32 gatewayY) {
        _requireKey(operatorX, operatorY);
        _operatorX = operatorX;
        _operatorY = operatorY;
        _set(bytes32(0), gatewayX, gatewayY, true);
    }

    /// @notice Activates or deactivates a gateway's key.
    /// Reverts with {DeadlinePassed}, {BadSignature} unless the operator signed, {BadNonce}, or {BadKey}.
    /// @param m The action.
    /// @param signature Over the action's digest, `s` low.
    function setGateway(SetGateway calldata m, Signature calldata signature) external {
        bytes32 structHash = keccak256(abi.encode(SET_GATEWAY, m.keyX, m.keyY, m.active, m.nonce, m.deadline));
        bytes32 digest = _operatorAction(structHash, m.nonce, m.deadline, signature);
        _set(digest, m.keyX, m.keyY, m.active);
    }

    /// @notice The operator's public key.
    function operator() external view returns (bytes32 x, bytes32 y) {
        return (_operatorX, _operatorY);
    }

    /// @notice Whether the key with this id is an active gateway's.
    function isGateway(bytes32 gateway) external view returns (bool) {
        return _gateways[gateway];
    }

    /// @dev Checks an action of the operator's sequence and takes its nonce.
    function _operatorAction(bytes32 structHash, uint64 nonce, uint64 deadline, Signature calldata signature)
        internal
        returns (bytes32 digest)
    {
        digest = _action(structHash, deadline);
        _requireOperator(digest, signature);
        if (nonce != operatorNonce) revert BadNonce(operatorNonce);
        operatorNonce = nonce + 1;
    }

    /// @dev Reverts with {BadSignature} unless the operator signed the digest.
    function _requireOperator(bytes32 digest, Signature calldata signature) internal view {
        _require(digest, signature, _operatorX, _operatorY);
    }

    function _set(bytes32 digest, bytes32 x, bytes32 y, bool active) private {
        _requireKey(x, y);
        bytes32 gateway = _keyId(x, y);
        _gateways[gateway] = active;
        emit GatewaySet(digest, gateway, x, y, active);
    }
}
