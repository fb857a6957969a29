// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {World} from "./support/World.sol";
import {Hashes} from "./support/Hashes.sol";
import {Typed} from "../src/Typed.sol";
import {Masters} from "../src/Masters.sol";
import {Devices} from "../src/Devices.sol";

contract RevokeDeviceTest is World {
    Hospital internal h;
    Key internal card;
    bytes32 internal id;

    function setUp() public override {
        super.setUp();
        h = registered("Harbour");
        card = key("card");
        id = idOf(card);
    }

    function test_revokes_for_good() public {
        approve(h, card);
        Devices.RevokeDevice memory m = Devices.RevokeDevice(h.id, id, LATER);
        vm.expectEmit(address(wardkey));
        emit Devices.DeviceRevoked(digestOf(Hashes.hash(m)), h.id, id);
        wardkey.revokeDevice(m, sign(h.master, Hashes.hash(m)));
        vm.assertTrue(wardkey.device(id).revoked, "revoked");
        vm.assertEq(wardkey.device(id).nonce, 1, "takes no nonce");
        vm.assertEq(wardkey.institution(h.id).nonce, 0, "takes no nonce of the institution");
    }

    function test_may_be_repeated() public {
        approve(h, card);
        accepted(revokeDeviceCall(h, id));
        accepted(revokeDeviceCall(h, id));
        vm.assertTrue(wardkey.device(id).revoked, "revoked");
    }

    function test_may_come_before_the_approval() public {
        Devices.RevokeDevice memory m = Devices.RevokeDevice(h.id, id, LATER);
        vm.expectEmit(address(wardkey));
        emit Devices.DeviceBarred(digestOf(Hashes.hash(m)), h.id, id);
        wardkey.revokeDevice(m, sign(h.master, Hashes.hash(m)));
        vm.assertEq(wardkey.device(id).institution, bytes32(0), "never approved");
    }

    function test_anothers_device_is_not_touched() public {
        approve(h, card);
        Hospital memory other = registered("Valley");
        accepted(revokeDeviceCall(other, id));
        vm.assertTrue(!wardkey.device(id).revoked, "not theirs to revoke");
    }

    function test_any_one_master_suffices() public {
        approve(h, card);
        twoOfThree(h, key("second"), key("third"));
        Devices.RevokeDevice memory m = Devices.RevokeDevice(h.id, id, LATER);
        wardkey.revokeDevice(m, sign(key("third"), Hashes.hash(m)));
        vm.assertTrue(wardkey.device(id).revoked, "revoked");
    }

    function test_a_replaced_master_revokes_no_more() public {
        approve(h, card);
        bytes memory made = revokeDeviceCall(h, id);
        Key memory fresh = key("new");
        Masters.SetMasters memory m = mastersChange(h.id, entry(fresh), 1);
        wardkey.setMasters(m, by(h.master, fresh, Hashes.hash(m)));
        refused(made, Typed.BadSignature.selector);
    }

    function test_every_refusal() public {
        approve(h, card);
        Devices.RevokeDevice memory m = Devices.RevokeDevice(h.id, id, START - 1);
        refused(
            abi.encodeCall(wardkey.revokeDevice, (m, sign(h.master, Hashes.hash(m)))), deadlinePassed(START - 1)
        );
        m.deadline = LATER;
        refused(abi.encodeCall(wardkey.revokeDevice, (m, sign(card, Hashes.hash(m)))), Typed.BadSignature.selector);
        m.institution = idOf(key("nobody"));
        refused(
            abi.encodeCall(wardkey.revokeDevice, (m, sign(h.master, Hashes.hash(m)))),
            Masters.InstitutionUnknown.selector
        );
        vm.assertTrue(!wardkey.device(id).revoked, "untouched");
    }

    /// A signed revocation never fails, whatever came before it, and no device acts after it.
    function testFuzz_never_fails_for_ordering_reasons(uint256 seed, uint8 before, uint64 deadline) public {
        Key memory device = keyOf(seed);
        if (before & 1 != 0) approve(h, device);
        if (before & 3 == 3) accepted(suspensionCall(h, idOf(device), true));
        if (before & 4 != 0) accepted(revokeDeviceCall(h, idOf(device)));
        if (before & 8 != 0) accredit(h.id, before & 16 != 0);
        Devices.RevokeDevice memory m = Devices.RevokeDevice(h.id, idOf(device), deadline);
        bytes memory made = abi.encodeCall(wardkey.revokeDevice, (m, sign(h.master, Hashes.hash(m))));
        if (deadline < START) return refused(made, deadlinePassed(deadline));
        accepted(made);
        refused(
            approveCall(h, device, approval(h, device, 3, START + 500)), Devices.DeviceIsRevoked.selector
        );
    }
}
