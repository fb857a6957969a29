// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {World} from "./support/World.sol";
import {Hashes} from "./support/Hashes.sol";
import {Typed} from "../src/Typed.sol";
import {Masters} from "../src/Masters.sol";
import {Institutions} from "../src/Institutions.sol";

contract RegisterInstitutionTest is World {
    function call(Key memory signer, Institutions.RegisterInstitution memory m) internal view returns (bytes memory) {
        return abi.encodeCall(wardkey.registerInstitution, (m, sign(signer, Hashes.hash(m))));
    }

    function test_registers_with_one_master() public {
        (Key memory master, Institutions.RegisterInstitution memory m) = registration("Harbour");
        vm.expectEmit(address(wardkey));
        emitted(m);
        wardkey.registerInstitution(m, sign(master, Hashes.hash(m)));
        Masters.Institution memory i = wardkey.institution(m.institution);
        vm.assertEq(i.number, 1, "number");
        vm.assertTrue(i.status == Masters.Status.Registered, "not yet accredited");
        vm.assertEq(i.epoch, 1, "epoch");
        vm.assertEq(i.nonce, 0, "nonce");
        vm.assertEq(i.registered, block.number, "block");
        vm.assertEq(uint256(i.masters) * 100 + i.threshold * 10 + i.count, 111, "masters version, threshold, count");
        vm.assertEq(i.keys[0].x, master.x, "master");
        vm.assertEq(i.agreementX, m.agreementX, "agreement");
        vm.assertEq(bytes(i.name), bytes("Harbour"), "name");
        vm.assertEq(bytes(i.country), bytes("CH"), "country");
        vm.assertEq(wardkey.institutionAt(1), m.institution, "by number");
    }

    function emitted(Institutions.RegisterInstitution memory m) internal {
        emit Institutions.InstitutionRegistered(
            digestOf(Hashes.hash(m)),
            m.institution,
            m.name,
            m.country,
            m.masterX,
            m.masterY,
            m.wrapX,
            m.wrapY,
            m.agreementX,
            m.agreementY
        );
    }

    function test_numbers_count_from_one() public {
        registered("Harbour");
        Hospital memory second = registered("Valley");
        vm.assertEq(wardkey.institutionCount(), 2, "count");
        vm.assertEq(wardkey.institution(second.id).number, 2, "number");
        vm.assertEq(wardkey.institutionAt(3), bytes32(0), "none");
    }

    function test_deadline() public {
        (Key memory master, Institutions.RegisterInstitution memory m) = registration("Harbour");
        m.deadline = START - 1;
        refused(call(master, m), deadlinePassed(START - 1));
    }

    function test_the_id_is_the_first_masters() public {
        (Key memory master, Institutions.RegisterInstitution memory m) = registration("Harbour");
        m.institution = idOf(key("someone"));
        refused(call(master, m), Institutions.InstitutionMismatch.selector);
    }

    function test_registers_once() public {
        registered("Harbour");
        (Key memory master, Institutions.RegisterInstitution memory m) = registration("Harbour");
        m.name = "Another name";
        refused(call(master, m), Institutions.InstitutionExists.selector);
    }

    function test_name_has_1_to_200_bytes() public {
        (Key memory master, Institutions.RegisterInstitution memory m) = registration("Harbour");
        m.name = "";
        refused(call(master, m), Institutions.BadName.selector);
        m.name = string(new bytes(201));
        refused(call(master, m), Institutions.BadName.selector);
        m.name = string(new bytes(200));
        accepted(call(master, m));
    }

    function test_country_is_two_capital_letters() public {
        (Key memory master, Institutions.RegisterInstitution memory m) = registration("Harbour");
        string[6] memory wrong = ["", "C", "CHE", "ch", "C@", "[H"];
        for (uint256 n; n < wrong.length; ++n) {
            m.country = wrong[n];
            refused(call(master, m), Institutions.BadCountry.selector);
        }
        m.country = "AZ";
        accepted(call(master, m));
    }

    function test_agreement_and_wrap_are_points() public {
        (Key memory master, Institutions.RegisterInstitution memory m) = registration("Harbour");
        (m.agreementX, m.agreementY) = (0, 0);
        refused(call(master, m), Typed.BadKey.selector);
        (, m) = registration("Harbour");
        m.wrapY = m.wrapX;
        refused(call(master, m), Typed.BadKey.selector);
    }

    function test_only_the_master_signs() public {
        (, Institutions.RegisterInstitution memory m) = registration("Harbour");
        refused(call(key("operator"), m), Typed.BadSignature.selector);
        vm.assertEq(wardkey.institutionCount(), 0, "nothing registered");
    }

    function testFuzz_any_fields(string calldata name, bytes2 country, uint64 deadline, bytes32 wrapX) public {
        (Key memory master, Institutions.RegisterInstitution memory m) = registration("Harbour");
        (m.name, m.country, m.deadline) = (name, string(abi.encodePacked(country)), deadline);
        bool odd = uint256(wrapX) % 4 == 0;
        if (odd) m.wrapX = wrapX;
        bytes memory made = call(master, m);
        bool capital = country[0] >= "A" && country[0] <= "Z" && country[1] >= "A" && country[1] <= "Z";
        if (deadline < START) refused(made, deadlinePassed(deadline));
        else if (bytes(name).length == 0 || bytes(name).length > 200) refused(made, Institutions.BadName.selector);
        else if (!capital) refused(made, Institutions.BadCountry.selector);
        else if (odd) refused(made, Typed.BadKey.selector);
        else accepted(made);
    }
}
