//! What can go wrong on the workstation itself.

use wardkey_core::fault::Coded;

macro_rules! desk_errors {
    ($($(#[$meta:meta])* $name:ident $({ $($field:ident: $type:ty),+ })? = $code:literal, $what:literal, $action:literal;)+) => {
        /// A failure of the workstation's own.
        #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
        pub enum DeskError {
            $($(#[$meta])* #[doc = $what] #[error($what)] $name $({ $(#[doc = "Detail for the message."] $field: $type),+ })?,)+
        }
        impl DeskError {
            /// Every code with what happened, for `docs/errors.md`.
            pub const CODES: &[(&'static str, &'static str)] = &[$(($code, $what)),+];
        }
        impl Coded for DeskError {
            fn code(&self) -> &'static str { match self { $(Self::$name { .. } => $code,)+ } }
            fn action(&self) -> &'static str { match self { $(Self::$name { .. } => $action,)+ } }
        }
    };
}

desk_errors! {
    NoCard = "card-absent", "there is no card in the reader", "Insert your card.";
    TwoCards = "card-two", "two cards are inserted", "Leave only your own card in a reader.";
    CardRemoved = "card-removed", "the card was removed", "Insert the card again and repeat the step.";
    NotPrepared = "card-not-prepared", "this card is not prepared for Wardkey", "Ask IT to prepare it.";
    NotSignedIn = "sign-in-required", "nobody is signed in", "Sign in with card and PIN.";
    AlreadySigningIn = "sign-in-running", "the PIN window is already open", "Type the PIN there, or close it first.";
    SessionEnded = "session-ended", "the session has ended", "Sign in again with card and PIN.";
    MasterRequired = "master-required", "the master key is not signed in", "Insert the master-key card and sign in with it.";
    NotAMaster = "master-not-this-card", "this card is not the institution's master key", "Insert the master-key card.";
    MasterNotMade = "master-key-missing", "the master key was not made yet", "Make it first, under Approvals.";
    AlreadyRegistered = "institution-registered", "an institution is already registered under this master key", "Sign in with the master key instead.";
    NoInstitution = "institution-not-set", "this terminal does not know its institution", "Set `institution` in the workstation's settings, or register the institution here.";
    KeyMoving = "key-moving", "the institution's key is being moved on this terminal", "Wait until it is done.";
    KeyRecipients = "key-recipients-changed", "a card was revoked while the move was prepared, so a new key was not sent", "Start the move again.";
    NoWrap = "agreement-missing", "the institution's key is not sealed to this card yet", "Ask the master-key holder to approve this card again.";
    WrongWrap = "agreement-wrong", "what was sealed to this card is not the institution's key", "Do not go on; tell IT.";
    UnknownGrant = "grant-unknown", "this access is not in the list", "Look at the patient list again.";
    NotLive = "grant-not-live", "this access does not hold now", "Ask the patient for access.";
    NoChart = "chart-none", "no chart is open", "Open the patient's chart first.";
    NotWritable { section: String } = "section-not-writable", "the patient did not allow writing to {section}", "The text is kept. Ask the patient for this right.";
    NoSectionKey { section: String } = "section-key-missing", "the patient's key for {section} is not known", "The text is kept. Ask the patient to open the phone page once.";
    EmptyText = "text-empty", "there is nothing to write", "Type something first.";
    EmptyReason = "reason-empty", "a reason is needed to open a chart", "Say why you read this chart; the patient sees it.";
    NothingToImport = "import-none", "no document was chosen, or none of it may be written", "Choose a document, or ask the patient for the right to write.";
    ProofMissing = "log-proof-missing", "the gateway gave no proof that this read is in the log", "Nothing was shown. Tell the network operator.";
    OfferNone = "master-none-offered", "no new card was offered as a master key on this terminal", "Insert the new card and offer it first.";
    OfferOld = "master-offer-old", "the institution's master keys changed after the new card signed", "Offer the new card again.";
    MasterKnown = "master-known", "this card is a master key or a clinician's card already", "Use another card.";
    MasterUnknown = "master-unknown", "this master key is not in the list any more", "Look at the list again.";
    BadMasters = "masters-bad-list", "an institution has one to five different master keys", "Remove one first, or use another card.";
    BadThreshold = "masters-bad-threshold", "with several master keys fewer than all must sign, so that a lost one can be replaced", "Choose a smaller number.";
    ProposalUnknown = "proposal-unknown", "this proposal is not waiting any more", "Look at the list again.";
    ProposalFalse = "proposal-false", "what the gateway shows is not what was signed", "Do not sign; tell IT.";
    RequestUnknown = "request-unknown", "this request is not waiting any more", "Look at the list again.";
    RequestBad = "request-invalid", "the request's proof of possession or evidence does not hold", "Refuse it and tell IT.";
    EvidenceTest = "evidence-test-root", "the card is a test card, which this terminal is not set to trust", "Refuse it, or allow test cards in the settings of a trial.";
    EvidenceBad { detail: String } = "evidence-invalid", "the card's evidence is wrong: {detail}", "Refuse the request and tell IT.";
    UnblockWords = "unblock-words", "these are not the six words of a request to unblock", "Ask the caller to read them out again, one by one.";
    UnblockElsewhere = "unblock-elsewhere", "the request is of another institution, or its card is not the approved one", "Do not unblock it; call the person back.";
    UnblockAnswer = "unblock-answer", "what came in answer is no unblocking code", "Ask IT again.";
    NoHolder = "holder-empty", "the holder's name or role is missing", "Type name and role.";
    ItNone = "it-card-none", "there is no IT card yet", "Set up IT's card first, in the area Cards.";
    ItLocked = "it-card-locked", "IT's card has not unlocked this", "Unlock with IT's card, in the area Cards.";
    ItOther = "it-card-other", "this is not IT's card", "Insert IT's card, or let IT add this one.";
    ItExists = "it-card-exists", "there is an IT card already", "Unlock with it, then add this card.";
    ItUnfinished = "it-card-unfinished", "this IT card was not finished", "Set it up again; only its PIN is missing.";
    ItWrong = "it-card-wrong", "what was sealed to IT's card is not IT's secret", "Do not go on: the file it-secret.json was altered. Put it back from a copy.";
    BadName = "name-invalid", "the name or the country is missing or too long", "Type the institution's name and its two-letter country code.";
    BadRights = "rights-invalid", "the rights or the end date of the approval are not usable", "Choose read, write or both, and a date in the future.";
    NoFonts = "fonts-none", "no font was found for the poster", "Install a font package, e.g. fonts-dejavu-core, and try again.";
    PosterFailed { detail: String } = "poster-failed", "the poster could not be made: {detail}", "Tell IT the words above.";
    FileFailed { detail: String } = "file-failed", "the file could not be written: {detail}", "Check the folder and the space on the disk.";
    PinpadMissing { detail: String } = "pinpad-missing", "the PIN window could not be opened: {detail}", "Tell IT that wardkey-pinpad is missing beside the workstation program.";
    PinpadBroken = "pinpad-broken", "the PIN window ended without an answer", "Try again; if it happens again, tell IT.";
    NetworkChanged = "network-changed", "the gateway is not the one this terminal knows", "Do not sign in; tell IT. After a planned change IT removes the file `network.json` in the data folder.";
    Internal = "internal", "the program failed in a step that never fails", "Restart the workstation program and tell IT.";
}
