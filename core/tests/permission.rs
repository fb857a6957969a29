//! The permission rule, reason by reason, and that the first reason wins.
#![expect(clippy::unwrap_used, reason = "test")]

use wardkey_core::fault::Coded;
use wardkey_core::grant::{GrantDocument, SignedGrant};
use wardkey_core::id::{Commitment, DeviceId, InstitutionId};
use wardkey_core::key::{PublicKey, SoftKey};
use wardkey_core::permission::{ChainView, Denial, DeviceState, GrantStatus, InstitutionStatus, Request, check};
use wardkey_core::section::Section;
use wardkey_core::typed::Domain;

const NOW: u64 = 1_790_000_000;
const DOMAIN: Domain = Domain {
    chain_id: 7,
    contract: [7; 20],
    salt: [7; 32],
};

struct World {
    grant: GrantStatus,
    institution: InstitutionStatus,
    device: Option<DeviceState>,
}

impl ChainView for World {
    fn grant(&self, _: &Commitment, _: &PublicKey) -> GrantStatus {
        self.grant
    }
    fn institution(&self, _: &InstitutionId) -> InstitutionStatus {
        self.institution
    }
    fn device(&self, _: &DeviceId) -> Option<DeviceState> {
        self.device
    }
}

const HOSPITAL: InstitutionId = InstitutionId([1; 32]);

fn world() -> World {
    World {
        grant: GrantStatus::Live,
        institution: InstitutionStatus::Accredited,
        device: Some(DeviceState {
            institution: HOSPITAL,
            revoked: false,
            suspended: false,
            not_after: NOW + 100,
            rights: 3,
        }),
    }
}

fn document(patient: &SoftKey) -> GrantDocument {
    GrantDocument {
        patient: patient.public().id().into(),
        institution: HOSPITAL,
        read: Section::Allergies.bit(),
        write: Section::Encounters.bit(),
        purpose: 1,
        not_before: NOW - 10,
        expiry: NOW + 10,
        salt: [9; 32],
        key: patient.public(),
        chain_id: DOMAIN.chain_id,
        wardkey: DOMAIN.contract,
    }
}

fn signed(patient: &SoftKey, document: GrantDocument) -> SignedGrant {
    let signature = DOMAIN.sign(patient, &document.typed()).unwrap();
    SignedGrant {
        document,
        patient_key: patient.public(),
        signature,
    }
}

fn reading() -> Request {
    Request {
        device: DeviceId([2; 32]),
        section: Section::Allergies.number(),
        right: 1,
        now: NOW,
    }
}

#[test]
fn granted_for_what_the_patient_chose() {
    let patient = SoftKey::generate().unwrap();
    let grant = signed(&patient, document(&patient));
    let evidence = check(&DOMAIN, &world(), &grant, &reading()).unwrap();
    assert_eq!(
        (evidence.section(), evidence.may_write()),
        (Section::Allergies.number(), false)
    );
    let writing = Request {
        section: Section::Encounters.number(),
        right: 2,
        ..reading()
    };
    assert!(check(&DOMAIN, &world(), &grant, &writing).unwrap().may_write());
}

#[test]
fn each_reason_of_the_chain() {
    let patient = SoftKey::generate().unwrap();
    let grant = signed(&patient, document(&patient));
    let device = world().device.unwrap();
    let cases = [
        (
            World {
                grant: GrantStatus::Unknown,
                ..world()
            },
            Denial::Unknown,
        ),
        (
            World {
                grant: GrantStatus::Revoked,
                ..world()
            },
            Denial::Revoked,
        ),
        (
            World {
                institution: InstitutionStatus::Unknown,
                ..world()
            },
            Denial::InstitutionUnknown,
        ),
        (
            World {
                institution: InstitutionStatus::NotAccredited,
                ..world()
            },
            Denial::InstitutionSuspended,
        ),
        (
            World {
                device: None,
                ..world()
            },
            Denial::DeviceUnknown,
        ),
        (
            World {
                device: Some(DeviceState {
                    institution: InstitutionId([3; 32]),
                    ..device
                }),
                ..world()
            },
            Denial::DeviceOtherInstitution,
        ),
        (
            World {
                device: Some(DeviceState {
                    revoked: true,
                    ..device
                }),
                ..world()
            },
            Denial::DeviceRevoked,
        ),
        (
            World {
                device: Some(DeviceState {
                    revoked: true,
                    suspended: true,
                    ..device
                }),
                ..world()
            },
            Denial::DeviceRevoked,
        ),
        (
            World {
                device: Some(DeviceState {
                    suspended: true,
                    not_after: NOW,
                    ..device
                }),
                ..world()
            },
            Denial::DeviceSuspended,
        ),
        (
            World {
                device: Some(DeviceState {
                    not_after: NOW,
                    ..device
                }),
                ..world()
            },
            Denial::DeviceExpired,
        ),
        (
            World {
                device: Some(DeviceState { rights: 2, ..device }),
                ..world()
            },
            Denial::DeviceRightMissing,
        ),
    ];
    for (world, reason) in cases {
        assert_eq!(check(&DOMAIN, &world, &grant, &reading()), Err(reason));
    }
}

#[test]
fn each_reason_of_the_request_and_the_document() {
    let patient = SoftKey::generate().unwrap();
    let grant = signed(&patient, document(&patient));
    let requests = [
        (
            Request {
                now: NOW - 11,
                ..reading()
            },
            Denial::NotYetValid,
        ),
        (
            Request {
                now: NOW + 10,
                ..reading()
            },
            Denial::Expired,
        ),
        (
            Request {
                section: Section::Results.number(),
                ..reading()
            },
            Denial::SectionNotGranted,
        ),
        (
            Request {
                section: 31,
                ..reading()
            },
            Denial::SectionNotGranted,
        ),
        (
            Request {
                section: 255,
                ..reading()
            },
            Denial::SectionNotGranted,
        ),
        (Request { right: 2, ..reading() }, Denial::SectionNotGranted),
        (Request { right: 0, ..reading() }, Denial::DeviceRightMissing),
        (Request { right: 3, ..reading() }, Denial::DeviceRightMissing),
    ];
    for (request, reason) in requests {
        assert_eq!(check(&DOMAIN, &world(), &grant, &request), Err(reason));
    }
    let stranger = SoftKey::generate().unwrap();
    let documents = [
        (
            signed(
                &patient,
                GrantDocument {
                    chain_id: 8,
                    ..document(&patient)
                },
            ),
            Denial::WrongChain,
        ),
        (
            signed(
                &patient,
                GrantDocument {
                    wardkey: [8; 20],
                    ..document(&patient)
                },
            ),
            Denial::WrongChain,
        ),
        (
            SignedGrant {
                patient_key: stranger.public(),
                ..grant.clone()
            },
            Denial::WrongPatient,
        ),
        (signed(&stranger, document(&stranger)), Denial::BadSignature),
    ];
    for (mut grant, reason) in documents {
        if reason == Denial::BadSignature {
            grant.signature = signed(&stranger, document(&patient)).signature;
        }
        assert_eq!(check(&DOMAIN, &world(), &grant, &reading()), Err(reason));
    }
}

#[test]
fn one_altered_bit_anywhere_in_the_document_is_refused() {
    let patient = SoftKey::generate().unwrap();
    let grant = signed(&patient, document(&patient));
    let canonical = grant.document.canonical();
    let mut refused = 0;
    for bit in 0..canonical.len() * 8 {
        let mut altered = canonical.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        // Most flips are no document at all; the others must fail in the rule.
        if let Ok(document) = GrantDocument::from_canonical(&altered) {
            let grant = SignedGrant {
                document,
                ..grant.clone()
            };
            assert!(check(&DOMAIN, &world(), &grant, &reading()).is_err(), "bit {bit}");
            refused += 1;
        }
    }
    assert!(refused > 1000, "{refused}");
}

#[test]
fn the_first_reason_wins() {
    let patient = SoftKey::generate().unwrap();
    let grant = signed(&patient, document(&patient));
    let nothing = World {
        grant: GrantStatus::Unknown,
        institution: InstitutionStatus::Unknown,
        device: None,
    };
    let request = Request {
        section: 255,
        right: 9,
        now: 0,
        ..reading()
    };
    assert_eq!(check(&DOMAIN, &nothing, &grant, &request), Err(Denial::Unknown));
}

#[test]
fn codes_and_numbers_are_stable() {
    for (i, denial) in Denial::ALL.iter().enumerate() {
        assert_eq!(usize::from(*denial as u8), i + 1);
        assert_eq!(Denial::from_number(*denial as u8), Some(*denial));
        assert!(!denial.action().is_empty());
    }
    assert_eq!(Denial::from_number(0), None);
    assert_eq!(Denial::Revoked.code(), "grant-revoked");
}
