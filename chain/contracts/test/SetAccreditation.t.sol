// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {World} from "./support/World.sol";
import {Hashes} from "./support/Hashes.sol";
import {Typed} from "../src/Typed.sol";
import {Masters} from "../src/Masters.sol";
import {Institutions} from "../src/Institutions.sol";

contract SetAccreditationTest is World {
    function call(Key memory signer, Institutions.SetAccreditation memory m) internal view returns (bytes memory) {
        return abi.encodeCall(wardkey.setAccreditation, (m, sign(signer, Hashes.hash(m))));
    }

    function test_accredits_suspends_and_accredits_again() public {
        Hospital memory h = registered("Harbour");
        Institutions.SetAccreditation memory m = Institutions.SetAccreditation(h.id, true, 0, LATER);
        vm.expectEmit(address(wardkey));
        emit Institutions.AccreditationSet(digestOf(Hashes.hash(m)), h.id, true);
        wardkey.setAccreditation(m, sign(key("operator"), Hashes.hash(m)));
        vm.assertTrue(wardkey.institution(h.id).status == Masters.Status.Accredited, "accredited");
        accredit(h.id, false);
        vm.assertTrue(wardkey.institution(h.id).status == Masters.Status.Suspended, "suspended");
        accredit(h.id, true);
        vm.assertTrue(wardkey.institution(h.id).status == Masters.Status.Accredited, "again");
        vm.assertEq(wardkey.operatorNonce(), 3, "nonce");
    }

    function test_every_refusal() public {
        Hospital memory h = registered("Harbour");
        Key memory operator = key("operator");
        refused(
            call(operator, Institutions.SetAccreditation(h.id, true, 0, START - 1)), deadlinePassed(START - 1)
        );
        Institutions.SetAccreditation memory m = Institutions.SetAccreditation(h.id, true, 0, LATER);
        refused(call(h.master, m), Typed.BadSignature.selector);
        m.nonce = 1;
        refused(call(operator, m), badNonce(0));
        (m.nonce, m.institution) = (0, idOf(key("nobody")));
        refused(call(operator, m), Masters.InstitutionUnknown.selector);
        vm.assertEq(wardkey.operatorNonce(), 0, "a refused action takes no nonce");
    }

    function testFuzz_any_institution(bytes32 institution, bool accredited_, uint64 nonce, uint64 deadline) public {
        Hospital memory h = registered("Harbour");
        bool known = uint256(institution) % 2 == 0;
        Institutions.SetAccreditation memory m =
            Institutions.SetAccreditation(known ? h.id : institution, accredited_, nonce % 2, deadline);
        bytes memory made = call(key("operator"), m);
        Masters.Status status = Masters.Status.Registered;
        if (deadline < START) refused(made, deadlinePassed(deadline));
        else if (m.nonce != 0) refused(made, badNonce(0));
        else if (!known) refused(made, Masters.InstitutionUnknown.selector);
        else {
            accepted(made);
            status = accredited_ ? Masters.Status.Accredited : Masters.Status.Suspended;
        }
        vm.assertTrue(wardkey.institution(h.id).status == status, "as asked, or untouched");
    }
}
