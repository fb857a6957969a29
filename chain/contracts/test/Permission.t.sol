// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Documents} from "./support/Documents.sol";
import {Wardkey} from "../src/Wardkey.sol";

contract PermissionTest is Documents {
    Hospital internal h;
    Key internal card;
    uint256[12] internal w;

    function setUp() public override {
        super.setUp();
        h = accredited("Harbour");
        card = key("card");
        approve(h, card);
        w = words(h.id);
        makeLive(w);
    }

    function reason(Question memory q, uint256 wanted) internal view {
        vm.assertEq(asked(q), wanted, "reason");
    }

    function plain() internal view returns (Question memory) {
        return question(w, idOf(card));
    }

    function test_0_reads_and_writes_where_granted() public view {
        Question memory q = plain();
        for (q.section = 0; q.section < 4; ++q.section) {
            reason(q, 0);
        }
        (q.section, q.right) = (1, 2);
        reason(q, 0);
    }

    function test_1_another_chain_or_contract() public {
        uint256[12] memory other = w;
        other[11] = 1;
        reason(question(other, idOf(card)), 1);
        Question memory q = plain();
        vm.chainId(7002);
        reason(q, 1);
    }

    function test_2_another_patient() public view {
        Question memory q = plain();
        Key memory stranger = key("stranger");
        q.patientKey = bytes.concat(hex"04", stranger.x, stranger.y);
        reason(q, 2);
        q.patientKey = "";
        reason(q, 2);
    }

    function test_3_the_patients_signature() public view {
        Question memory q = plain();
        q.signature[0] = bytes1(uint8(q.signature[0]) ^ 1);
        reason(q, 3);
        q.signature = "";
        reason(q, 3);
        q = plain();
        q.signature = bytes.concat(q.signature, hex"00");
        reason(q, 3);
        q = plain();
        (bytes32 r, uint256 s) = abi.decode(q.signature, (bytes32, uint256));
        q.signature = bytes.concat(r, bytes32(N - s));
        reason(q, 3);
        q = plain();
        q.words[2] = 31;
        reason(q, 3);
    }

    function test_3_a_key_that_is_no_point_of_65_bytes() public view {
        uint256[12] memory other = w;
        other[0] = uint256(sha256(hex"04"));
        Question memory q = question(other, idOf(card));
        q.patientKey = hex"04";
        reason(q, 3);
        Key memory patient = key("patient");
        q.patientKey = bytes.concat(hex"02", patient.x, patient.y);
        q.words[0] = uint256(sha256(q.patientKey));
        reason(q, 3);
    }

    function test_4_not_on_chain() public view {
        uint256[12] memory other = w;
        other[7] = 6;
        reason(question(other, idOf(card)), 4);
    }

    function test_5_revoked() public {
        revokeGrant(w);
        reason(plain(), 5);
    }

    function test_6_and_7_before_and_after() public {
        Question memory q = plain();
        vm.warp(START - 1);
        reason(q, 6);
        vm.warp(START);
        reason(q, 0);
        vm.warp(START + 99_999);
        reason(q, 0);
        vm.warp(START + 100_000);
        reason(q, 7);
    }

    function test_8_and_9_the_institution() public {
        uint256[12] memory other = words(idOf(key("nobody")));
        makeLive(other);
        reason(question(other, idOf(card)), 8);
        Hospital memory fresh = registered("Valley");
        other = words(fresh.id);
        makeLive(other);
        reason(question(other, idOf(card)), 9);
        accredit(h.id, false);
        reason(plain(), 9);
        accredit(h.id, true);
        reason(plain(), 0);
    }

    function test_10_and_11_the_devices_institution() public {
        Question memory q = plain();
        q.device = idOf(key("another card"));
        reason(q, 10);
        approve(registered("Valley"), key("another card"));
        reason(q, 11);
    }

    function test_12_and_13_revoked_and_suspended() public {
        accepted(suspensionCall(h, idOf(card), true));
        reason(plain(), 13);
        accepted(suspensionCall(h, idOf(card), false));
        reason(plain(), 0);
        accepted(suspensionCall(h, idOf(card), true));
        accepted(revokeDeviceCall(h, idOf(card)));
        reason(plain(), 12);
    }

    function test_14_the_approval_has_ended() public {
        accepted(approveCall(h, card, approval(h, card, 3, START + 10)));
        Question memory q = plain();
        vm.warp(START + 9);
        reason(q, 0);
        vm.warp(START + 10);
        reason(q, 14);
    }

    function test_15_the_right() public {
        Question memory q = plain();
        (q.right) = 0;
        reason(q, 15);
        q.right = 3;
        reason(q, 15);
        accepted(approveCall(h, card, approval(h, card, 2, START + 500)));
        q.right = 1;
        reason(q, 15);
        q.right = 2;
        reason(q, 0);
    }

    function test_16_the_section() public view {
        Question memory q = plain();
        q.section = 4;
        reason(q, 16);
        (q.section, q.right) = (0, 2);
        reason(q, 16);
    }

    function test_16_section_31_and_above_never() public {
        uint256[12] memory other = w;
        other[2] = type(uint32).max;
        makeLive(other);
        Question memory q = question(other, idOf(card));
        q.section = 30;
        reason(q, 0);
        q.section = 31;
        reason(q, 16);
        q.section = 255;
        reason(q, 16);
    }

    function test_a_document_has_one_encoding() public {
        Question memory q = plain();
        malformed(bytes.concat(abi.encode(w), hex"00"), q);
        malformed("", q);
        uint256[8] memory beyond = [uint256(2), 32, 3, 32, 4, 8, 5, 64];
        for (uint256 n; n < 8; n += 2) {
            uint256[12] memory other = w;
            other[beyond[n]] = 1 << beyond[n + 1];
            malformed(abi.encode(other), q);
        }
        uint256[12] memory last = w;
        last[6] = 1 << 64;
        malformed(abi.encode(last), q);
        last = w;
        last[11] |= 1 << 160;
        malformed(abi.encode(last), q);
    }

    function malformed(bytes memory document, Question memory q) internal {
        refused(
            abi.encodeCall(
                wardkey.permission, (document, q.signature, q.patientKey, q.device, q.section, q.right)
            ),
            Wardkey.GrantMalformed.selector
        );
    }

    /// No bytes make it answer with anything but a reason from 1 to 16, or {GrantMalformed}; none is ever let in.
    function testFuzz_strangers_are_never_let_in(
        uint256[12] calldata any,
        bytes calldata signature,
        bytes calldata patientKey,
        uint8 section,
        uint8 right
    ) public {
        bytes32 device = idOf(card);
        (bool ok, bytes memory answer) = address(wardkey).call(
            abi.encodeCall(wardkey.permission, (abi.encode(any), signature, patientKey, device, section, right))
        );
        if (!ok) return vm.assertEq(answer, abi.encodePacked(Wardkey.GrantMalformed.selector), "malformed");
        uint256 code = abi.decode(answer, (uint256));
        vm.assertTrue(code >= 1 && code <= 16, "a reason");
    }

    /// One bent word of a live, signed document ends the permission.
    function testFuzz_a_bent_document_is_refused(uint8 word, uint256 change) public view {
        Question memory q = plain();
        uint256 width = [256, 256, 32, 32, 8, 64, 64, 256, 256, 256, 256, 160][word % 12];
        q.words[word % 12] ^= change % (width == 256 ? type(uint256).max : 1 << width) | 1;
        vm.assertTrue(asked(q) != 0, "refused");
    }
}
