//! Everything that can be asked of the gateway, in the order of protocol §7.

use super::operation::{By, Gives, Operation};
use super::problems::{
    ACTION, BLOBS, CHAIN, CHECKPOINT, COUNTED, DEVICE, ENROLMENT, GRANTING, INSTITUTION, KEYS, KEYS_NONE, PROPOSAL,
    RECORDS, REQUEST, RULE, SIGN_IN, STREAMS, TILES, TIMED, UNBLOCK, WRAP, WRITING,
};

/// The operations.
pub const ALL: &[Operation] = &[
    Operation::get("/v1/openapi.json", "describe", "This description.").gives(Gives::Any),
    Operation::get(
        "/v1/network",
        "network",
        "Which deployment, whose keys, the newest block.",
    )
    .gives(Gives::Json("Network")),
    Operation::get(
        "/v1/institutions",
        "listInstitutions",
        "All institutions, without proofs.",
    )
    .gives(Gives::List("Institution"))
    .refused(&[CHAIN]),
    Operation::get(
        "/v1/institutions/{id}",
        "institution",
        "An institution with the signed actions that prove its name and keys.",
    )
    .gives(Gives::Json("ProvedInstitution"))
    .refused(&[CHAIN, INSTITUTION]),
    Operation::get(
        "/v1/institutions/{id}/wraps/{recipient}",
        "wrap",
        "The agreement key of an epoch, sealed to a 9D key.",
    )
    .query(&[(
        "epoch",
        "Count32",
        false,
        "Of which epoch; the newest if none is named.",
    )])
    .gives(Gives::Json("Wrap"))
    .refused(&[WRAP]),
    Operation::get(
        "/v1/institutions/{id}/epochs",
        "listEpochs",
        "The older agreement keys, each sealed to the next one.",
    )
    .gives(Gives::List("OlderKey")),
    Operation::get(
        "/v1/devices/{id}",
        "device",
        "A card, with the institution's signed approval.",
    )
    .gives(Gives::Json("ProvedDevice"))
    .refused(&[CHAIN, DEVICE]),
    Operation::get(
        "/v1/devices/{id}/certificate",
        "deviceCertificate",
        "A card's certificate.",
    )
    .gives(Gives::Json("DeviceCertificate"))
    .refused(&[DEVICE]),
    Operation::get(
        "/v1/devices/{id}/evidence",
        "deviceEvidence",
        "The attestation whose digest the certificate names.",
    )
    .gives(Gives::Json("Attestation"))
    .refused(&[DEVICE]),
    Operation::get(
        "/v1/checkpoints/latest",
        "checkpoint",
        "The newest checkpoint of the log, read from the contract.",
    )
    .gives(Gives::Json("CheckpointState"))
    .refused(&[CHAIN, CHECKPOINT]),
    Operation::get(
        "/log/checkpoint",
        "logCheckpoint",
        "The log's newest signed checkpoint (c2sp.org/tlog-checkpoint).",
    )
    .gives(Gives::Bytes("text/plain; charset=utf-8"))
    .refused(&[TILES]),
    Operation::get(
        "/log/tile/{path}",
        "logTile",
        "A tile of the log's hashes, or of its leaves (c2sp.org/tlog-tiles).",
    )
    .gives(Gives::Bytes("application/octet-stream"))
    .refused(&[TILES]),
    Operation::post("/v1/actions", "submitAction", "Brings a signed action onto the chain.")
        .takes("SignedAction")
        .gives(Gives::Json("Outcome"))
        .refused(&[ACTION, CHAIN]),
    Operation::post(
        "/v1/challenges",
        "challenge",
        "A challenge for a device request; used once, within 15 minutes.",
    )
    .gives(Gives::Json("Challenge"))
    .refused(&[COUNTED]),
    Operation::post(
        "/v1/sessions",
        "openSession",
        "Opens a session: a card or a master key delegates to a short-lived key.",
    )
    .takes("SignedDelegation")
    .gives(Gives::Json("Opened"))
    .refused(&[SIGN_IN, INSTITUTION]),
    Operation::post(
        "/v1/device-requests",
        "requestDevice",
        "Asks for a card's approval or renewal.",
    )
    .takes("DeviceRequest")
    .gives(Gives::Json("Requested"))
    .refused(&[ENROLMENT, INSTITUTION]),
    Operation::get(
        "/v1/device-requests/{id}",
        "deviceRequest",
        "What became of a device request.",
    )
    .gives(Gives::Json("Progress"))
    .refused(&[CHAIN, REQUEST]),
    Operation::post("/v1/unblocks", "askUnblock", "Asks for a PUK from afar.")
        .takes("UnblockRequest")
        .gives(Gives::Json("Waiting"))
        .refused(&[UNBLOCK, INSTITUTION, TIMED]),
    Operation::get(
        "/v1/unblocks",
        "findUnblock",
        "A request to unblock by the first 64 bits of its id.",
    )
    .query(&[("start", "Start", true, "The first 64 bits of the id, from six words.")])
    .gives(Gives::Json("Unblock"))
    .refused(&[UNBLOCK]),
    Operation::get(
        "/v1/unblocks/{id}",
        "unblock",
        "A request to unblock, with its answer once there is one.",
    )
    .gives(Gives::Json("Unblock"))
    .refused(&[UNBLOCK]),
    Operation::put(
        "/v1/unblocks/{id}/answer",
        "answerUnblock",
        "The PUK, sealed to the terminal's key; the first answer stays.",
    )
    .takes("Sealed")
    .refused(&[UNBLOCK]),
    Operation::put(
        "/v1/patients/{id}/section-keys",
        "publishSectionKeys",
        "Publishes a patient's section keys.",
    )
    .by(By::Patient)
    .takes("SectionKeys")
    .gives(Gives::Json("Published"))
    .refused(&[KEYS, COUNTED]),
    Operation::get(
        "/v1/patients/{id}/section-keys",
        "sectionKeys",
        "A patient's section keys.",
    )
    .by(By::CardOrPatient)
    .under_grant(false)
    .gives(Gives::Json("PatientKeys"))
    .refused(&[KEYS_NONE, RULE, CHAIN]),
    Operation::post("/v1/grants", "grant", "Gives an institution access.")
        .by(By::Patient)
        .takes("NewGrant")
        .gives(Gives::Json("Granted"))
        .refused(&[ACTION, CHAIN, GRANTING, KEYS_NONE, RULE]),
    Operation::get(
        "/v1/patients/{id}/grants",
        "listGrantsOfPatient",
        "A patient's grants, newest first.",
    )
    .by(By::Patient)
    .gives(Gives::List("Given")),
    Operation::get(
        "/v1/grants",
        "listGrants",
        "The grants to the session's institution, newest first.",
    )
    .by(By::Session)
    .gives(Gives::List("Received")),
    Operation::get(
        "/v1/patients/{id}/records",
        "readRecords",
        "Reads sections; logged before it is answered.",
    )
    .by(By::CardOrPatient)
    .query(&[("sections", "Sections", true, "Section numbers, separated by commas.")])
    .under_grant(false)
    .with_reason()
    .gives(Gives::Json("Reading"))
    .refused(&[RECORDS, RULE, CHAIN]),
    Operation::post(
        "/v1/patients/{id}/records",
        "writeRecords",
        "Writes records, all of them or none.",
    )
    .by(By::Card)
    .under_grant(true)
    .with_reason()
    .takes("NewRecords")
    .gives(Gives::Json("Written"))
    .refused(&[RECORDS, WRITING, RULE, CHAIN]),
    Operation::put(
        "/v1/patients/{id}/sections/{section}/blobs/{blob}",
        "putBlob",
        "Keeps a large document's ciphertext; content-digest must be the blob's id.",
    )
    .by(By::Card)
    .under_grant(true)
    .with_reason()
    .takes_bytes()
    .gives(Gives::Json("KeptBlob"))
    .refused(&[RULE, CHAIN, BLOBS]),
    Operation::post(
        "/v1/patients/{id}/blobs/{blob}/readings",
        "readBlob",
        "Logs the reading of a large document and gives a ticket to fetch it.",
    )
    .by(By::CardOrPatient)
    .under_grant(false)
    .with_reason()
    .gives(Gives::Json("BlobReading"))
    .refused(&[RULE, CHAIN, BLOBS]),
    Operation::get(
        "/v1/patients/{id}/blobs/{blob}",
        "fetchBlob",
        "A large document's ciphertext, once its reading is logged.",
    )
    .by(By::CardOrPatient)
    .query(&[("ticket", "Ticket", true, "From `readBlob`, within two minutes.")])
    .under_grant(false)
    .gives(Gives::Bytes("application/octet-stream"))
    .refused(&[RULE, CHAIN, BLOBS]),
    Operation::get("/v1/patients/{id}/log", "log", "A patient's log, from a sequence on.")
        .by(By::Patient)
        .query(&[("from", "Count", false, "First sequence.")])
        .gives(Gives::Json("Log"))
        .refused(&[CHAIN]),
    Operation::get(
        "/v1/institutions/{id}/requests",
        "listRequests",
        "The waiting device requests, oldest first.",
    )
    .by(By::Master)
    .gives(Gives::List("WaitingRequest"))
    .refused(&[CHAIN]),
    Operation::post(
        "/v1/institutions/{id}/requests/{digest}/refusal",
        "refuseRequest",
        "Refuses a device request.",
    )
    .by(By::Master)
    .takes("Reason")
    .refused(&[REQUEST]),
    Operation::get(
        "/v1/institutions/{id}/wraps",
        "listWraps",
        "The 9D keys that have the current agreement key.",
    )
    .by(By::Master)
    .gives(Gives::List("Id"))
    .refused(&[INSTITUTION]),
    Operation::put(
        "/v1/institutions/{id}/wraps/{recipient}",
        "putWrap",
        "Keeps the agreement key sealed to a 9D key.",
    )
    .by(By::Master)
    .takes("Wrap"),
    Operation::put(
        "/v1/institutions/{id}/epochs/{epoch}",
        "putEpoch",
        "Keeps an older agreement key, sealed to the next one.",
    )
    .by(By::Master)
    .takes("OlderKey"),
    Operation::get(
        "/v1/institutions/{id}/proposals",
        "listProposals",
        "Actions that wait for signatures, oldest first.",
    )
    .by(By::Master)
    .gives(Gives::List("Proposal"))
    .refused(&[CHAIN]),
    Operation::post(
        "/v1/institutions/{id}/proposals",
        "propose",
        "Proposes an action that several master keys must sign.",
    )
    .by(By::Master)
    .takes("NewProposal")
    .gives(Gives::Json("Became"))
    .refused(&[PROPOSAL, ACTION, CHAIN, INSTITUTION]),
    Operation::post(
        "/v1/institutions/{id}/proposals/{digest}/signatures",
        "signProposal",
        "Adds a signature; the last one needed submits.",
    )
    .by(By::Master)
    .takes("Added")
    .gives(Gives::Json("Became"))
    .refused(&[PROPOSAL, ACTION, CHAIN, INSTITUTION]),
    Operation::post(
        "/v1/institutions/{id}/proposals/{digest}/withdrawal",
        "withdrawProposal",
        "Withdraws a proposal.",
    )
    .by(By::Master)
    .takes("Reason")
    .refused(&[PROPOSAL, CHAIN]),
    Operation::get(
        "/v1/institutions/{id}/devices",
        "listDevices",
        "The institution's cards with their certificates.",
    )
    .by(By::Master)
    .gives(Gives::List("WholeDevice")),
    Operation::put(
        "/v1/institutions/{id}/devices/{device}/note",
        "noteDevice",
        "Why a card was revoked.",
    )
    .by(By::Master)
    .takes("Note")
    .refused(&[DEVICE]),
    Operation::get(
        "/v1/institutions/{id}/inks",
        "listInks",
        "Keys of use lines, sealed to the institution, oldest first.",
    )
    .by(By::Master)
    .query(&[(
        "since",
        "Count",
        false,
        "Those in use at this time or later, seconds since 1970.",
    )])
    .gives(Gives::List("Ink")),
    Operation::get(
        "/v1/institutions/{id}/uses",
        "listUses",
        "What a card did: sealed lines, at most 2000.",
    )
    .by(By::Master)
    .query(&[
        ("ink", "Tag", true, "Under which ink."),
        ("tag", "Tag", true, "Of which card."),
        ("from", "Count", false, "First number."),
    ])
    .gives(Gives::List("Use")),
    Operation::get(
        "/v1/events",
        "events",
        "Server-sent events: hints to read again; the one answer that is not signed.",
    )
    .by(By::Session)
    .gives(Gives::Events)
    .refused(&[STREAMS]),
];
