// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {World} from "./support/World.sol";
import {Hashes} from "./support/Hashes.sol";
import {Typed} from "../src/Typed.sol";
import {Masters} from "../src/Masters.sol";
import {Institutions} from "../src/Institutions.sol";

contract RotateAgreementTest is World {
    function message(bytes32 institution, uint32 epoch, uint64 nonce)
        internal
        pure
        returns (Institutions.RotateAgreement memory)
    {
        Key memory next = key("next agreement");
        return Institutions.RotateAgreement(institution, epoch, next.x, next.y, nonce, LATER);
    }

    function call(Key memory signer, Institutions.RotateAgreement memory m) internal view returns (bytes memory) {
        return abi.encodeCall(wardkey.rotateAgreement, (m, sign(signer, Hashes.hash(m))));
    }

    function test_moves_to_the_next_epoch() public {
        Hospital memory h = registered("Harbour");
        Institutions.RotateAgreement memory m = message(h.id, 2, 0);
        vm.expectEmit(address(wardkey));
        emit Institutions.AgreementRotated(digestOf(Hashes.hash(m)), h.id, 2, m.agreementX, m.agreementY);
        wardkey.rotateAgreement(m, sign(h.master, Hashes.hash(m)));
        Masters.Institution memory i = wardkey.institution(h.id);
        vm.assertEq(i.epoch, 2, "epoch");
        vm.assertEq(i.nonce, 1, "nonce");
        vm.assertEq(i.agreementX, m.agreementX, "x");
        vm.assertEq(i.agreementY, m.agreementY, "y");
    }

    function test_any_one_master_suffices() public {
        Hospital memory h = registered("Harbour");
        twoOfThree(h, key("second"), key("third"));
        accepted(call(key("third"), message(h.id, 2, 1)));
        accepted(call(h.master, message(h.id, 3, 2)));
    }

    function test_every_refusal() public {
        Hospital memory h = registered("Harbour");
        Institutions.RotateAgreement memory m = message(h.id, 2, 0);
        m.deadline = START - 1;
        refused(call(h.master, m), deadlinePassed(START - 1));
        refused(call(h.master, message(idOf(key("nobody")), 2, 0)), Masters.InstitutionUnknown.selector);
        refused(call(key("operator"), message(h.id, 2, 0)), Typed.BadSignature.selector);
        refused(call(h.master, message(h.id, 2, 1)), badNonce(0));
        bytes memory epoch = abi.encodeWithSelector(Institutions.BadEpoch.selector, 2);
        refused(call(h.master, message(h.id, 1, 0)), epoch);
        refused(call(h.master, message(h.id, 3, 0)), epoch);
        m = message(h.id, 2, 0);
        m.agreementX = 0;
        refused(call(h.master, m), Typed.BadKey.selector);
        vm.assertEq(wardkey.institution(h.id).nonce, 0, "a refused action takes no nonce");
    }

    function testFuzz_any_key_and_epoch(uint256 seed, uint32 epoch, uint64 nonce, uint64 deadline) public {
        Hospital memory h = registered("Harbour");
        Key memory next = keyOf(seed);
        Institutions.RotateAgreement memory m =
            Institutions.RotateAgreement(h.id, epoch % 4, next.x, next.y, nonce % 2, deadline);
        bytes memory made = call(h.master, m);
        bool done;
        if (deadline < START) refused(made, deadlinePassed(deadline));
        else if (m.nonce != 0) refused(made, badNonce(0));
        else if (m.epoch != 2) refused(made, abi.encodeWithSelector(Institutions.BadEpoch.selector, 2));
        else {
            accepted(made);
            done = true;
        }
        vm.assertEq(wardkey.institution(h.id).epoch, done ? 2 : 1, "next, or untouched");
    }
}
