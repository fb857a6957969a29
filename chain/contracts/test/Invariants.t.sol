// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {World} from "./support/World.sol";
import {Handler} from "./support/Handler.sol";
import {Masters} from "../src/Masters.sol";
import {Devices} from "../src/Devices.sol";
import {Grants} from "../src/Grants.sol";

/// @title What holds after any actions in any order
contract InvariantsTest is World {
    /// @dev As forge asks for it.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Handler private handler;

    function setUp() public override {
        super.setUp();
        handler = new Handler(wardkey);
        // Something to lose from the start.
        for (uint256 n; n < 2; ++n) {
            handler.register(n);
            handler.setAccreditation(n, true);
            handler.approveAny(n, n, 3, 99_999);
            handler.grantAny(n);
        }
    }

    function targetContracts() public view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(handler);
    }

    /// @dev The handler's own beginning is no action.
    function excludeSelectors() public view returns (FuzzSelector[] memory list) {
        list = new FuzzSelector[](1);
        list[0] = FuzzSelector(address(handler), new bytes4[](1));
        list[0].selectors[0] = World.setUp.selector;
    }

    function invariant_a_revoked_grant_never_lives_again() public view {
        for (uint256 n; n < 3; ++n) {
            uint256[12] memory w = handler.document(n);
            (Grants.GrantStatus found,) =
                wardkey.grantStatus(sha256(abi.encode(w)), bytes32(w[8]), bytes32(w[9]));
            vm.assertTrue(handler.grantRevoked(n) == (found == Grants.GrantStatus.Revoked), "revoked for good");
        }
    }

    function invariant_a_revoked_device_stays_revoked() public view {
        for (uint256 n; n < 3; ++n) {
            bytes32 id = handler.device(n);
            Devices.Device memory d = wardkey.device(id);
            vm.assertTrue(d.revoked == handler.deviceRevoked(id), "revoked for good");
            vm.assertTrue(d.institution == 0 || !handler.barred(d.institution, id) || d.revoked, "a barred key is not theirs");
        }
    }

    function invariant_nonces_and_the_log_only_rise() public view {
        vm.assertEq(bytes(handler.fell()), "", "what fell");
    }

    function invariant_masters_are_one_to_five_and_one_may_be_lost() public view {
        for (uint256 n; n < 2; ++n) {
            Masters.Institution memory i = wardkey.institution(handler.institution(n));
            vm.assertTrue(i.count >= 1 && i.count <= 5, "count");
            vm.assertTrue(i.threshold >= 1, "threshold");
            vm.assertTrue(i.count == 1 ? i.threshold == 1 : i.threshold < i.count, "one may be lost");
            for (uint256 k; k < 5; ++k) {
                vm.assertTrue((i.keys[k].x != 0) == (k < i.count), "keys beyond the list are erased");
            }
        }
    }

    /// Whatever the order, who is let in has a live grant, an accredited institution and a device that acts for it.
    function invariant_nobody_is_let_in_without_everything() public view {
        for (uint256 n; n < 18; ++n) {
            (uint256 grant, uint256 which, uint8 right) = (n % 3, n / 3 % 3, uint8(n / 9 + 1));
            if (handler.permission(grant, which, right) != 0) continue;
            bytes32 id = handler.device(which);
            Devices.Device memory d = wardkey.device(id);
            vm.assertTrue(!handler.grantRevoked(grant), "live");
            vm.assertEq(d.institution, bytes32(handler.document(grant)[1]), "the institution's");
            vm.assertTrue(!d.revoked && !d.suspended && !handler.deviceRevoked(id), "acts");
            vm.assertTrue(d.rights & right != 0 && d.notAfter > block.timestamp, "in its rights and time");
            vm.assertTrue(
                wardkey.institution(d.institution).status == Masters.Status.Accredited, "accredited"
            );
        }
    }

    /// The handler does things: without this the others could hold over nothing.
    function afterInvariant() public view {
        vm.assertTrue(handler.done() > 8, "something was accepted after the start");
    }
}
