// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {World} from "./support/World.sol";
import {Hashes} from "./support/Hashes.sol";
import {Typed} from "../src/Typed.sol";
import {Masters} from "../src/Masters.sol";
import {Devices} from "../src/Devices.sol";

contract ApproveDeviceTest is World {
    Hospital internal h;
    Key internal card;

    function setUp() public override {
        super.setUp();
        h = registered("Harbour");
        card = key("card");
    }

    function plain() internal view returns (Devices.ApproveDevice memory) {
        return approval(h, card, 3, START + 500);
    }

    function test_approves() public {
        Devices.ApproveDevice memory m = plain();
        bytes memory made = approveCall(h, card, m);
        vm.expectEmit(address(wardkey));
        emit Devices.DeviceApproved(
            digestOf(Hashes.hash(m)), h.id, idOf(card), card.x, card.y, 3, START + 500, m.certificate
        );
        accepted(made);
        Devices.Device memory d = wardkey.device(idOf(card));
        vm.assertEq(d.institution, h.id, "institution");
        vm.assertEq(d.rights, 3, "rights");
        vm.assertEq(d.notAfter, START + 500, "end");
        vm.assertEq(d.nonce, 1, "nonce");
        vm.assertEq(d.certificate, m.certificate, "certificate");
        vm.assertTrue(!d.revoked && !d.suspended, "acts");
    }

    function test_a_device_of_nobody_is_zero() public view {
        Devices.Device memory d = wardkey.device(idOf(card));
        vm.assertEq(d.institution, bytes32(0), "never approved");
    }

    function test_renews_and_a_suspension_stays() public {
        approve(h, card);
        accepted(suspensionCall(h, idOf(card), true));
        accepted(approveCall(h, card, approval(h, card, 1, START + 900)));
        Devices.Device memory d = wardkey.device(idOf(card));
        vm.assertEq(d.rights, 1, "rights");
        vm.assertEq(d.notAfter, START + 900, "end");
        vm.assertEq(d.nonce, 3, "nonce");
        vm.assertTrue(d.suspended, "still suspended");
    }

    function test_an_approval_does_not_replay() public {
        bytes memory first = approveCall(h, card, plain());
        accepted(first);
        refused(first, badNonce(1));
    }

    function test_rights_and_end() public {
        Devices.ApproveDevice memory m = plain();
        m.deadline = START - 1;
        refused(approveCall(h, card, m), deadlinePassed(START - 1));
        m = plain();
        m.rights = 0;
        refused(approveCall(h, card, m), Devices.BadRights.selector);
        m.rights = 4;
        refused(approveCall(h, card, m), Devices.BadRights.selector);
        m = plain();
        m.notAfter = START;
        refused(approveCall(h, card, m), Devices.BadExpiry.selector);
        m.notAfter = START + 1;
        accepted(approveCall(h, card, m));
    }

    function test_the_request_is_for_this_approval() public {
        Devices.ApproveDevice memory m = plain();
        Devices.RequestDevice memory q = request(m);
        q.certificate = 0;
        refused(with(m, q, card), Devices.ProofMismatch.selector);
        q = request(m);
        q.institution = idOf(key("nobody"));
        refused(with(m, q, card), Devices.ProofMismatch.selector);
        q = request(m);
        q.deadline = START - 1;
        refused(with(m, q, card), Devices.BadProof.selector);
        refused(with(m, request(m), key("another card")), Devices.BadProof.selector);
        refused(with(m, request(m), h.master), Devices.BadProof.selector);
    }

    function with(Devices.ApproveDevice memory m, Devices.RequestDevice memory q, Key memory prover)
        internal
        view
        returns (bytes memory)
    {
        return abi.encodeCall(wardkey.approveDevice, (m, by(h.master, Hashes.hash(m)), q, sign(prover, Hashes.hash(q))));
    }

    function test_only_masters_approve() public {
        Devices.ApproveDevice memory m = plain();
        refused(approveCall(by(card, Hashes.hash(m)), card, m), Typed.BadSignature.selector);
        m.institution = idOf(key("nobody"));
        refused(approveCall(h, card, m), Masters.InstitutionUnknown.selector);
        m = plain();
        m.masters = 2;
        refused(approveCall(h, card, m), abi.encodeWithSelector(Masters.MastersChanged.selector, 1));
        m = plain();
        refused(approveCall(new Typed.Signature[](0), card, m), signatureCount(1, 0));
    }

    function test_two_of_three() public {
        (Key memory second, Key memory third) = (key("second"), key("third"));
        Devices.ApproveDevice memory old = plain();
        bytes memory before = approveCall(h, card, old);
        twoOfThree(h, second, third);
        refused(before, abi.encodeWithSelector(Masters.MastersChanged.selector, 2));
        Devices.ApproveDevice memory m = plain();
        bytes32 action = Hashes.hash(m);
        refused(approveCall(by(second, action), card, m), signatureCount(2, 1));
        refused(approveCall(by(second, second, action), card, m), Typed.BadSignature.selector);
        refused(approveCall(by(third, second, action), card, m), Typed.BadSignature.selector);
        accepted(approveCall(by(second, third, action), card, m));
    }

    function test_a_key_belongs_to_one_institution() public {
        approve(h, card);
        Hospital memory other = registered("Valley");
        refused(
            approveCall(other, card, approval(other, card, 3, START + 500)), Devices.DeviceElsewhere.selector
        );
    }

    function test_a_revoked_key_is_never_approved_again() public {
        approve(h, card);
        accepted(revokeDeviceCall(h, idOf(card)));
        refused(approveCall(h, card, plain()), Devices.DeviceIsRevoked.selector);
    }

    function test_a_barred_key_is_never_approved_but_elsewhere_it_is() public {
        accepted(revokeDeviceCall(h, idOf(card)));
        refused(approveCall(h, card, plain()), Devices.DeviceIsRevoked.selector);
        approve(registered("Valley"), card);
    }

    function testFuzz_any_fields(uint256 seed, uint8 rights, uint64 notAfter, uint32 nonce, uint64 deadline) public {
        Key memory device = keyOf(seed);
        Devices.ApproveDevice memory m = approval(h, device, rights % 5, notAfter);
        (m.nonce, m.deadline) = (nonce % 2, deadline);
        bytes memory made = approveCall(h, device, m);
        if (deadline < START) refused(made, deadlinePassed(deadline));
        else if (m.rights == 0 || m.rights > 3) refused(made, Devices.BadRights.selector);
        else if (notAfter <= START) refused(made, Devices.BadExpiry.selector);
        else if (m.nonce != 0) refused(made, badNonce(0));
        else {
            accepted(made);
            vm.assertEq(wardkey.device(idOf(device)).rights, m.rights, "rights");
            return;
        }
        vm.assertEq(wardkey.device(idOf(device)).institution, bytes32(0), "untouched");
    }
}
