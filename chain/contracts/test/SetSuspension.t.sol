// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {World} from "./support/World.sol";
import {Hashes} from "./support/Hashes.sol";
import {Typed} from "../src/Typed.sol";
import {Masters} from "../src/Masters.sol";
import {Devices} from "../src/Devices.sol";

contract SetSuspensionTest is World {
    Hospital internal h;
    Key internal card;
    bytes32 internal id;

    function setUp() public override {
        super.setUp();
        h = registered("Harbour");
        card = key("card");
        id = idOf(card);
        approve(h, card);
    }

    function call(Devices.SetSuspension memory m, Typed.Signature[] memory list) internal view returns (bytes memory) {
        return abi.encodeCall(wardkey.setSuspension, (m, list));
    }

    function test_suspends_and_resumes() public {
        Devices.SetSuspension memory m = suspension(h, id, true);
        vm.expectEmit(address(wardkey));
        emit Devices.SuspensionSet(digestOf(Hashes.hash(m)), h.id, id, true);
        wardkey.setSuspension(m, by(h.master, Hashes.hash(m)));
        vm.assertTrue(wardkey.device(id).suspended, "suspended");
        accepted(suspensionCall(h, id, false));
        vm.assertTrue(!wardkey.device(id).suspended, "acts again");
        vm.assertEq(wardkey.device(id).nonce, 3, "each took one nonce");
    }

    function test_one_master_suspends_the_threshold_resumes() public {
        (Key memory second, Key memory third) = (key("second"), key("third"));
        twoOfThree(h, second, third);
        Devices.SetSuspension memory m = suspension(h, id, true);
        refused(call(m, by(second, third, Hashes.hash(m))), signatureCount(1, 2));
        accepted(call(m, by(third, Hashes.hash(m))));
        m = suspension(h, id, false);
        refused(call(m, by(third, Hashes.hash(m))), signatureCount(2, 1));
        refused(call(m, by(third, third, Hashes.hash(m))), Typed.BadSignature.selector);
        accepted(call(m, by(second, third, Hashes.hash(m))));
    }

    function test_every_refusal() public {
        Devices.SetSuspension memory m = suspension(h, id, true);
        m.deadline = START - 1;
        refused(call(m, by(h.master, Hashes.hash(m))), deadlinePassed(START - 1));
        m = suspension(h, id, true);
        m.institution = idOf(key("nobody"));
        refused(call(m, by(h.master, Hashes.hash(m))), Masters.InstitutionUnknown.selector);
        m = suspension(h, id, true);
        m.masters = 2;
        refused(call(m, by(h.master, Hashes.hash(m))), abi.encodeWithSelector(Masters.MastersChanged.selector, 1));
        m = suspension(h, id, true);
        refused(call(m, new Typed.Signature[](0)), signatureCount(1, 0));
        refused(call(m, by(card, Hashes.hash(m))), Typed.BadSignature.selector);
        m.device = idOf(key("another card"));
        refused(call(m, by(h.master, Hashes.hash(m))), Devices.DeviceUnknown.selector);
        m = suspension(h, id, true);
        m.nonce = 0;
        refused(call(m, by(h.master, Hashes.hash(m))), badNonce(1));
        accepted(revokeDeviceCall(h, id));
        refused(suspensionCall(h, id, true), Devices.DeviceIsRevoked.selector);
    }

    function test_anothers_device_is_unknown() public {
        Hospital memory other = registered("Valley");
        refused(suspensionCall(other, id, true), Devices.DeviceUnknown.selector);
    }

    function testFuzz_any_fields(bytes32 device, bool suspended, uint32 nonce, uint64 deadline) public {
        bool known = uint256(device) % 2 == 0;
        Devices.SetSuspension memory m =
            Devices.SetSuspension(h.id, known ? id : device, suspended, 1, nonce % 3, deadline);
        bytes memory made = call(m, by(h.master, Hashes.hash(m)));
        bool done;
        if (deadline < START) refused(made, deadlinePassed(deadline));
        else if (!known) refused(made, Devices.DeviceUnknown.selector);
        else if (m.nonce != 1) refused(made, badNonce(1));
        else {
            accepted(made);
            done = true;
        }
        vm.assertTrue(wardkey.device(id).suspended == (done && suspended), "as asked, or untouched");
        vm.assertEq(wardkey.device(id).nonce, done ? 2 : 1, "nonce");
    }
}
