// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {World} from "./support/World.sol";
import {Hashes} from "./support/Hashes.sol";
import {Typed} from "../src/Typed.sol";
import {Masters} from "../src/Masters.sol";

contract SetMastersTest is World {
    Hospital internal h;

    function setUp() public override {
        super.setUp();
        h = registered("Harbour");
    }

    function call(Masters.SetMasters memory m, Key[] memory signers) internal view returns (bytes memory) {
        Typed.Signature[] memory list = new Typed.Signature[](signers.length);
        for (uint256 n; n < signers.length; ++n) {
            list[n] = sign(signers[n], Hashes.hash(m));
        }
        return abi.encodeCall(wardkey.setMasters, (m, list));
    }

    function these(Key memory a) internal pure returns (Key[] memory list) {
        list = new Key[](1);
        list[0] = a;
    }

    function these(Key memory a, Key memory b) internal pure returns (Key[] memory list) {
        list = new Key[](2);
        (list[0], list[1]) = (a, b);
    }

    function these(Key memory a, Key memory b, Key memory c) internal pure returns (Key[] memory list) {
        list = new Key[](3);
        (list[0], list[1], list[2]) = (a, b, c);
    }

    function entries(Key[] memory list) internal pure returns (bytes memory keys) {
        for (uint256 n; n < list.length; ++n) {
            keys = bytes.concat(keys, entry(list[n]));
        }
    }

    function change(Key[] memory list, uint8 threshold) internal view returns (Masters.SetMasters memory) {
        return mastersChange(h.id, entries(list), threshold);
    }

    function test_from_one_to_two_of_three() public {
        Key[] memory list = these(h.master, key("second"), key("third"));
        Masters.SetMasters memory m = change(list, 2);
        bytes memory made = call(m, list);
        vm.expectEmit(address(wardkey));
        emit Masters.MastersSet(digestOf(Hashes.hash(m)), h.id, 2, m.keys, 2);
        accepted(made);
        Masters.Institution memory i = wardkey.institution(h.id);
        vm.assertEq(uint256(i.masters) * 100 + i.threshold * 10 + i.count, 223, "version, threshold, count");
        vm.assertEq(i.nonce, 1, "nonce");
        for (uint256 n; n < 3; ++n) {
            vm.assertEq(i.keys[n].x, list[n].x, "x");
            vm.assertEq(i.keys[n].y, list[n].y, "y");
        }
    }

    function test_a_lost_key_is_replaced_by_the_others() public {
        (Key memory second, Key memory third, Key memory fresh) = (key("second"), key("third"), key("new"));
        twoOfThree(h, second, third);
        Key[] memory list = these(second, third, fresh);
        accepted(call(change(list, 2), list));
        accepted(call(change(these(fresh), 1), these(second, fresh)));
        Masters.Institution memory i = wardkey.institution(h.id);
        vm.assertEq(uint256(i.masters) * 100 + i.threshold * 10 + i.count, 411, "version, threshold, count");
        vm.assertEq(i.keys[0].x, fresh.x, "the one");
        vm.assertEq(i.keys[1].x, bytes32(0), "the others are gone");
        vm.assertEq(wardkey.institution(h.id).number, 1, "the id stays");
    }

    function test_the_signatures_of_m_of_n() public {
        (Key memory second, Key memory third) = (key("second"), key("third"));
        twoOfThree(h, second, third);
        Masters.SetMasters memory m = change(these(h.master, second), 1);
        refused(call(m, these(h.master)), signatureCount(2, 1));
        refused(call(m, these(h.master, second, third)), signatureCount(2, 3));
        refused(call(m, these(second, second)), Typed.BadSignature.selector);
        refused(call(m, these(third, second)), Typed.BadSignature.selector);
        refused(call(m, these(second, key("someone"))), Typed.BadSignature.selector);
        accepted(call(m, these(h.master, third)));
    }

    function test_a_new_key_proves_itself() public {
        Masters.SetMasters memory m = change(these(h.master, key("second")), 1);
        refused(call(m, these(h.master)), signatureCount(2, 1));
        refused(call(m, these(h.master, h.master)), Typed.BadSignature.selector);
        accepted(call(m, these(h.master, key("second"))));
    }

    function test_the_list_is_one_to_five_whole_and_different_keys() public {
        Masters.SetMasters memory m = change(these(h.master), 1);
        bytes memory one = m.keys;
        m.keys = "";
        refused(call(m, these(h.master)), Masters.BadMasters.selector);
        m.keys = bytes.concat(one, hex"00");
        refused(call(m, these(h.master)), Masters.BadMasters.selector);
        m.keys = bytes.concat(one, one);
        refused(call(m, these(h.master)), Masters.BadMasters.selector);
        m.keys = bytes.concat(one, one, one, one, one, one);
        refused(call(m, these(h.master)), Masters.BadMasters.selector);
    }

    function test_a_keys_negative_is_the_same_key() public {
        bytes32 negative = bytes32(0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF - uint256(h.master.y));
        Key memory wrap = wrapOf(h.master);
        bytes memory keys = bytes.concat(entry(h.master), h.master.x, negative, wrap.x, wrap.y);
        refused(call(mastersChange(h.id, keys, 1), these(h.master)), Masters.BadMasters.selector);
    }

    function test_the_threshold_leaves_one_key_to_lose() public {
        refused(call(change(these(h.master), 0), these(h.master)), Masters.BadThreshold.selector);
        refused(call(change(these(h.master), 2), these(h.master)), Masters.BadThreshold.selector);
        Key[] memory two = these(h.master, key("second"));
        refused(call(change(two, 2), two), Masters.BadThreshold.selector);
        Key[] memory three = these(h.master, key("second"), key("third"));
        refused(call(change(three, 3), three), Masters.BadThreshold.selector);
        accepted(call(change(three, 1), three));
    }

    function test_the_other_refusals() public {
        Masters.SetMasters memory m = change(these(h.master), 1);
        m.deadline = START - 1;
        refused(call(m, these(h.master)), deadlinePassed(START - 1));
        m = mastersChange(idOf(key("nobody")), entry(h.master), 1);
        refused(call(m, these(h.master)), Masters.InstitutionUnknown.selector);
        m = change(these(h.master), 1);
        m.nonce = 1;
        refused(call(m, these(h.master)), badNonce(0));
        m = mastersChange(h.id, bytes.concat(h.master.x, h.master.y, h.master.x, h.master.x), 1);
        refused(call(m, these(h.master)), Typed.BadKey.selector);
        vm.assertEq(wardkey.institution(h.id).masters, 1, "the list is untouched");
    }

    function testFuzz_any_size_and_threshold(uint8 size, uint8 threshold, uint64 deadline, bool swap) public {
        size %= 7;
        Key[] memory list = new Key[](size);
        for (uint256 n; n < size; ++n) {
            list[n] = n == 0 ? h.master : keyOf(n + uint256(deadline));
        }
        Masters.SetMasters memory m = change(list, threshold % 7);
        m.deadline = deadline;
        Key[] memory signers = size == 0 ? these(h.master) : list;
        bool swapped = swap && size > 2;
        if (swapped) (signers[1], signers[2]) = (signers[2], signers[1]);
        bytes memory made = call(m, signers);
        uint8 t = m.threshold;
        if (deadline < START) refused(made, deadlinePassed(deadline));
        else if (size == 0 || size > 5) refused(made, Masters.BadMasters.selector);
        else if (t == 0 || (size == 1 ? t > 1 : t >= size)) refused(made, Masters.BadThreshold.selector);
        else if (swapped) refused(made, Typed.BadSignature.selector);
        else accepted(made);
        Masters.Institution memory i = wardkey.institution(h.id);
        vm.assertTrue(i.count >= 1 && i.count <= 5, "count");
        vm.assertTrue(i.threshold >= 1 && (i.count == 1 ? i.threshold == 1 : i.threshold < i.count), "threshold");
    }
}
