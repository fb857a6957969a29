// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Typed} from "../../src/Typed.sol";

/// @title The contract's own way of verifying, for any digest
contract Verifier is Typed(0) {
    function verifies(bytes32 digest, Signature calldata signature, bytes32 x, bytes32 y)
        external
        view
        returns (bool)
    {
        return _verifies(digest, signature, x, y);
    }
}
