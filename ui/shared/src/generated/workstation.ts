// Generated from the crate wardkey-desk (desk/src/view); do not edit.
// Write it anew with: WARDKEY_WRITE_BINDINGS=1 cargo test --release -p wardkey-desk --test bindings

/** Sections; the position is the section's number. */
export type SectionName = 'demographics' | 'problems' | 'allergies' | 'medications' | 'immunizations' | 'results' | 'procedures' | 'devices' | 'advanceDirectives' | 'alerts' | 'functionalStatus' | 'pastProblems' | 'pregnancy' | 'patientStory' | 'planOfCare' | 'socialHistory' | 'vitalSigns' | 'encounters' | 'documents';

/** Bytes of the largest document that is imported. */
export const IMPORT_LARGEST = 8388608;

export type Tone = "info" | "warning" | "danger";

export type Notice = { 
/**
 * Stable kebab-case code; the window translates by it.
 */
code: string, 
/**
 * What happened.
 */
message: string, 
/**
 * What to do now.
 */
action: string, 
/**
 * How it looks.
 */
tone: Tone, };

export type PhaseName = "locked" | "cardPresent" | "signingIn" | "open";

export type Topic = "snapshot" | "patients" | "chart" | "outbox" | "requests" | "devices" | "card";

export type UserView = { 
/**
 * Name.
 */
holder: string, 
/**
 * Role in plain words.
 */
role: string, 
/**
 * Name of the institution.
 */
institution: string, 
/**
 * Device id.
 */
device: string, };

export type CardEnd = { 
/**
 * First second at which it is no longer approved.
 */
notAfter: number, 
/**
 * Its renewal is asked for and not decided.
 */
requested: boolean, };

export type UnblockAsked = { 
/**
 * Serial number of the card.
 */
card: string, 
/**
 * Six words that the holder reads out to IT.
 */
words: Array<string>, 
/**
 * First second at which nobody can answer any more.
 */
until: number, };

export type UnblockFound = { 
/**
 * Its id.
 */
request: string, 
/**
 * Who holds the card, by the institution's own approval.
 */
holder: string, 
/**
 * As what.
 */
role: string, 
/**
 * Serial number of the card.
 */
card: string, 
/**
 * Name of the terminal that asks.
 */
terminal: string, 
/**
 * When it asked.
 */
time: number, };

export type MasterStatus = "unregistered" | "registered" | "accredited" | "suspended";

export type MasterPlace = "card" | "hsm" | "file";

export type MasterView = { 
/**
 * Name of the institution; empty before it is registered.
 */
name: string, 
/**
 * Institution id.
 */
id: string, 
/**
 * Its state.
 */
status: MasterStatus, };

export type CardView = { 
/**
 * Serial number; empty if the card has none.
 */
serial: string, 
/**
 * Firmware; empty if unknown.
 */
firmware: string, 
/**
 * All three keys are there.
 */
prepared: boolean, 
/**
 * PC/SC name of the reader.
 */
reader: string, 
/**
 * No PIN try is left.
 */
blocked: boolean, };

export type GatewayState = "online" | "offline";

export type ChainView = { 
/**
 * Number of the newest block.
 */
block: number, 
/**
 * Seconds since the gateway heard from the chain.
 */
age: number, };

export type OutboxCount = { 
/**
 * Not yet acknowledged.
 */
waiting: number, 
/**
 * Refused by the gateway.
 */
failed: number, };

export type LockView = { 
/**
 * A code: `card-removed`, `locked`, `session-ended`, `device-revoked`.
 */
reason: string, };

export type Snapshot = { 
/**
 * Where the workstation stands.
 */
phase: PhaseName, 
/**
 * The card was pulled: everything is hidden until the same person returns with card and PIN.
 */
covered: boolean, 
/**
 * Name of this terminal's institution.
 */
institution: string, 
/**
 * Name of this terminal.
 */
terminal: string, 
/**
 * Number to call in an emergency; empty when none is set.
 */
emergency: string, 
/**
 * Who is signed in, or whose work is covered.
 */
user: UserView | null, 
/**
 * This terminal waits for IT to unblock the card in its reader.
 */
unblock: UnblockAsked | null, 
/**
 * The approval of the signed-in card ends within 30 days.
 */
cardEnd: CardEnd | null, 
/**
 * The master key in use.
 */
master: MasterView | null, 
/**
 * The card in the reader, once it has been read.
 */
card: CardView | null, 
/**
 * What the person should know now.
 */
notice: Notice | null, 
/**
 * Whether the gateway answers.
 */
gateway: GatewayState, 
/**
 * The chain as the gateway sees it.
 */
chain: ChainView | null, 
/**
 * Writes on their way.
 */
outbox: OutboxCount, 
/**
 * Test roots are trusted here: said on every screen.
 */
trial: boolean, 
/**
 * The master key is a software key: said on every screen.
 */
trialKeys: boolean, 
/**
 * Where this terminal's master key is kept.
 */
masterPlace: MasterPlace, 
/**
 * Why the screen was locked or covered.
 */
lock: LockView | null, };

export type GrantState = "live" | "notYetValid" | "expired" | "revoked";

export type PatientRow = { 
/**
 * Commitment of the grant: the row's id.
 */
commitment: string, 
/**
 * Patient id.
 */
patient: string, 
/**
 * Name from the grant's label.
 */
name: string, 
/**
 * Date of birth, ISO.
 */
birthDate: string, 
/**
 * When it was granted.
 */
since: number, 
/**
 * First second at which it no longer holds.
 */
until: number, 
/**
 * Sections that may be read.
 */
read: Array<SectionName>, 
/**
 * Sections that may be written.
 */
write: Array<SectionName>, 
/**
 * Arrived since this person signed in and not opened yet.
 */
fresh: boolean, 
/**
 * State of the grant now.
 */
state: GrantState, };

export type Severity = "low" | "moderate" | "high";

export type Value = { 
/**
 * The number.
 */
number: number, 
/**
 * Its unit, as written by the source.
 */
unit: string, 
/**
 * Lower end of the normal range.
 */
low: number | null, 
/**
 * Upper end of the normal range.
 */
high: number | null, };

export type Source = { 
/**
 * Name of the institution.
 */
institution: string, 
/**
 * Name of the card's holder.
 */
author: string, 
/**
 * The holder's role.
 */
role: string, };

export type SignatureState = "verified" | "invalid" | "unknown";

export type SignedWith = "session" | "signature";

export type Entry = { 
/**
 * Record id.
 */
record: string, 
/**
 * FHIR resource type.
 */
kind: string, 
/**
 * What it is, in words.
 */
title: string, 
/**
 * More of it.
 */
detail: string, 
/**
 * ISO date or date-time of the fact, as precise as the source gives it.
 */
date: string, 
/**
 * Status in the source's words.
 */
status: string, 
/**
 * How serious, where the source says.
 */
severity: Severity | null, 
/**
 * A measured value.
 */
value: Value | null, 
/**
 * Who wrote it.
 */
source: Source, 
/**
 * Whether the signature was checked.
 */
signature: SignatureState, 
/**
 * Which key signed.
 */
byKey: SignedWith, };

export type SectionState = "loaded" | "empty" | "withheld" | "refused" | "notLoaded";

export type ChartSection = { 
/**
 * Which.
 */
section: SectionName, 
/**
 * What its entries mean, above all when there are none.
 */
state: SectionState, 
/**
 * Newest first.
 */
entries: Array<Entry>, };

export type ChartPatient = { 
/**
 * Patient id.
 */
id: string, 
/**
 * Name.
 */
name: string, 
/**
 * Date of birth, ISO.
 */
birthDate: string, };

export type LogPlace = { 
/**
 * Index of the newest line of this read.
 */
index: number, 
/**
 * Size of the log then.
 */
size: number, };

export type Chart = { 
/**
 * The grant under which it was read.
 */
commitment: string, 
/**
 * Whose.
 */
patient: ChartPatient, 
/**
 * Every section, in the order of the protocol.
 */
sections: Array<ChartSection>, 
/**
 * Where this read stands in the gateway's log.
 */
log: LogPlace | null, };

export type DraftKind = "note" | "prescription";

export type Draft = { 
/**
 * What it is to become.
 */
kind: DraftKind, 
/**
 * The note's text.
 */
text: string, 
/**
 * The prescription's fields.
 */
fields: { [key in string]: string }, };

export type Prescription = { 
/**
 * Medication, name and strength.
 */
medication: string, 
/**
 * How to take it.
 */
dose: string, 
/**
 * How much is dispensed.
 */
quantity: string, 
/**
 * What for.
 */
reason: string, };

export type SectionCount = { 
/**
 * Which.
 */
section: SectionName, 
/**
 * How many.
 */
count: number, };

export type ImportPreview = { 
/**
 * Title of the document.
 */
title: string, 
/**
 * By section, those that would be written.
 */
sections: Array<SectionCount>, 
/**
 * What the person should know before confirming.
 */
warnings: Array<Notice>, 
/**
 * How many records would be written.
 */
total: number, };

export type ImportDone = { 
/**
 * Records put into the outbox.
 */
records: number, };

export type OutboxState = "waiting" | "sending" | "sent" | "refused";

export type OutboxRow = { 
/**
 * Record id.
 */
record: string, 
/**
 * The grant under which it was written.
 */
commitment: string, 
/**
 * Name of the patient; empty while nobody who may read it is signed in.
 */
patient: string, 
/**
 * Section.
 */
section: SectionName, 
/**
 * FHIR resource type.
 */
kind: string, 
/**
 * State.
 */
state: OutboxState, 
/**
 * Why it waits or was refused, or its place in the log.
 */
detail: string, 
/**
 * What was typed, of a refused write and for its author alone: to be copied or written again.
 */
typed: Draft | null, 
/**
 * When it was written.
 */
at: number, };

export type Poster = { 
/**
 * The page as SVG.
 */
svg: string, 
/**
 * What the QR code says.
 */
link: string, };

export type PosterFiles = { 
/**
 * Path of the PDF.
 */
pdf: string, 
/**
 * Path of the picture.
 */
png: string, };

export type EvidenceVerdict = "verified" | "testRoot" | "newer" | "none" | "invalid";

export type EvidenceSlot = { 
/**
 * `9A`, `9C`, `9D`.
 */
slot: string, 
/**
 * PIN policy: `once`, `always`, `never`, or empty.
 */
pin: string, 
/**
 * Touch policy: `never`, `always`, `cached`, or empty.
 */
touch: string, };

export type Evidence = { 
/**
 * The weakest of the slots.
 */
verdict: EvidenceVerdict, 
/**
 * What is wrong or unusual, in words; empty if nothing.
 */
detail: string, 
/**
 * By slot.
 */
slots: Array<EvidenceSlot>, };

export type RequestRow = { 
/**
 * Its id.
 */
request: string, 
/**
 * Who.
 */
holder: string, 
/**
 * As what.
 */
role: string, 
/**
 * Serial number of the card.
 */
card: string, 
/**
 * Firmware of the card.
 */
firmware: string, 
/**
 * Evidence.
 */
evidence: Evidence, 
/**
 * Six words to compare with those that IT sees.
 */
words: Array<string>, 
/**
 * When it was sent; 0 if the gateway does not say.
 */
submitted: number, 
/**
 * The card is approved already and asks to be longer: until when it is now.
 */
renews: number | null, 
/**
 * Serial numbers of other active cards of a person with this name.
 */
others: Array<string>, };

export type DeviceStatus = "active" | "suspended" | "revoked" | "expired";

export type DeviceRow = { 
/**
 * Device id.
 */
device: string, 
/**
 * Who.
 */
holder: string, 
/**
 * As what.
 */
role: string, 
/**
 * Serial number of the card.
 */
card: string, 
/**
 * Firmware of the card.
 */
firmware: string, 
/**
 * Bit 0 read, bit 1 write.
 */
rights: number, 
/**
 * First second at which it is no longer active.
 */
notAfter: number, 
/**
 * State.
 */
status: DeviceStatus, 
/**
 * When it last opened a session, within a quarter of an hour.
 */
lastUse: number | null, 
/**
 * Why it was revoked; empty if nothing was noted.
 */
note: string, };

export type KeyView = { 
/**
 * Its epoch, from 1.
 */
epoch: number, 
/**
 * Whose revoked cards, or which removed master keys, still hold it: it is to be moved.
 */
due: Array<string>, 
/**
 * How many cards that may act do not have it yet.
 */
missing: number, 
/**
 * A move was prepared on this terminal and not finished.
 */
pending: boolean, };

export type MasterRow = { 
/**
 * Its key id.
 */
key: string, 
/**
 * Short name: the beginning of its id.
 */
name: string, 
/**
 * Six words of its key, to compare.
 */
words: Array<string>, 
/**
 * It is on the card that is signed in.
 */
own: boolean, };

export type OfferedMaster = { 
/**
 * The card's serial number.
 */
card: string, 
/**
 * What its attestation proves.
 */
evidence: Evidence, 
/**
 * Six words of its key, shown to both holders.
 */
words: Array<string>, 
/**
 * Short name of the key whose place it takes; empty if it is a further one.
 */
replaces: string, 
/**
 * How many must sign from then on.
 */
threshold: number, };

export type MastersView = { 
/**
 * In their order.
 */
keys: Array<MasterRow>, 
/**
 * How many must sign.
 */
threshold: number, 
/**
 * A new card that waits for this master's signature.
 */
offered: OfferedMaster | null, };

export type ProposalKind = "approve" | "suspend" | "resume" | "masters";

export type ProposalState = "open" | "done" | "withdrawn" | "stale";

export type SignatureRow = { 
/**
 * Short name of the key.
 */
name: string, 
/**
 * It is on the card that is signed in.
 */
own: boolean, 
/**
 * Seconds since 1970.
 */
at: number, };

export type ProposalRow = { 
/**
 * Its id.
 */
proposal: string, 
/**
 * What it would do.
 */
kind: ProposalKind, 
/**
 * Whose card; empty for a change of master keys.
 */
holder: string, 
/**
 * As what.
 */
role: string, 
/**
 * Serial number of the card.
 */
card: string, 
/**
 * Rights of an approval, bit 0 read, bit 1 write.
 */
rights: number, 
/**
 * End of an approval.
 */
notAfter: number, 
/**
 * What the card's attestation proves, for an approval.
 */
evidence: Evidence | null, 
/**
 * Six words of the card's request, or of the change, the same on every master's terminal.
 */
words: Array<string>, 
/**
 * Short names of the new list of master keys.
 */
masters: Array<string>, 
/**
 * How many of them must sign from then on.
 */
threshold: number, 
/**
 * Who proposed it.
 */
proposer: string, 
/**
 * When.
 */
proposed: number, 
/**
 * Who signed so far.
 */
signatures: Array<SignatureRow>, 
/**
 * How many signatures it needs.
 */
needed: number, 
/**
 * The last second at which it can be carried out.
 */
deadline: number, 
/**
 * Where it stands.
 */
state: ProposalState, 
/**
 * Why it was withdrawn, or the code of why it is stale; empty otherwise.
 */
reason: string, };

export type UseAction = "read" | "write";

export type UseRow = { 
/**
 * When.
 */
time: number, 
/**
 * What.
 */
action: UseAction, 
/**
 * Patient id.
 */
patient: string, 
/**
 * Patient's name; empty if no grant tells it.
 */
name: string, 
/**
 * Date of birth, ISO; empty if no grant tells it.
 */
birthDate: string, 
/**
 * Section.
 */
section: SectionName, 
/**
 * Why, in the holder's words.
 */
reason: string, 
/**
 * Place in the log.
 */
index: number, };

export type DeviceUses = { 
/**
 * Device id.
 */
device: string, 
/**
 * Who holds the card.
 */
holder: string, 
/**
 * Serial number of the card.
 */
card: string, 
/**
 * From when.
 */
since: number, 
/**
 * Until when.
 */
until: number, 
/**
 * Different patients in the lines.
 */
patients: number, 
/**
 * Days whose lines are sealed to a key that could not be opened; 0 if the report is whole.
 */
sealed: number, 
/**
 * Oldest first.
 */
lines: Array<UseRow>, };

export type SlotState = "empty" | "key";

export type CardSlot = { 
/**
 * `9A`, `9C`, `9D`.
 */
slot: string, 
/**
 * What its key is for: `sign-in`, `signature`, `agreement`.
 */
use: string, 
/**
 * Whether there is a key.
 */
state: SlotState, 
/**
 * Evidence of where the key was made, as far as it was read in this run.
 */
evidence: EvidenceVerdict, };

export type CardDeviceStatus = "active" | "suspended" | "revoked" | "expired" | "waiting" | "unknown";

export type CardDevice = { 
/**
 * Device id.
 */
id: string, 
/**
 * Holder's name; empty if unknown.
 */
holder: string, 
/**
 * Holder's role; empty if unknown.
 */
role: string, 
/**
 * State.
 */
status: CardDeviceStatus, };

export type CardStatus = { 
/**
 * Reader.
 */
reader: string, 
/**
 * Serial number.
 */
serial: string, 
/**
 * Firmware.
 */
firmware: string, 
/**
 * All three keys are there.
 */
prepared: boolean, 
/**
 * PIN tries left.
 */
pinTries: number | null, 
/**
 * The three slots.
 */
slots: Array<CardSlot>, 
/**
 * Its device, if it has a 9A key.
 */
device: CardDevice | null, };

export type ItState = "none" | "clear" | "locked" | "open";

export type ItView = { 
/**
 * How the secret stands.
 */
state: ItState, 
/**
 * Serial numbers of the IT cards.
 */
cards: Array<string>, 
/**
 * Until when it is open, seconds since 1970.
 */
until: number | null, };

export type Task = "prepareCard" | "prepareMaster" | "prepareIt" | "moveKey";

export type Progress = { 
/**
 * Which.
 */
task: Task, 
/**
 * A code of the step.
 */
step: string, 
/**
 * Steps done.
 */
done: number, 
/**
 * Steps in all.
 */
total: number, };

export type DeviceRequested = { 
/**
 * Its id.
 */
request: string, 
/**
 * Six words to compare with those that the master-key holder sees.
 */
words: Array<string>, };

