// The view model: what the workstation (crate wardkey-desk) shows and the window draws.
// Times are whole seconds since 1970 (UTC) as numbers; dates without a time are ISO text (YYYY-MM-DD); ids are hex.

/** Sections in the order of docs/protocol.md §2; the position is the section's number. */
export type SectionName =
  | "demographics"
  | "problems"
  | "allergies"
  | "medications"
  | "immunizations"
  | "results"
  | "procedures"
  | "devices"
  | "advanceDirectives"
  | "alerts"
  | "functionalStatus"
  | "pastProblems"
  | "pregnancy"
  | "patientStory"
  | "planOfCare"
  | "socialHistory"
  | "vitalSigns"
  | "encounters"
  | "documents";

export type Tone = "info" | "warning" | "danger";

/** What happened and what to do now. Every refused command answers with one. */
export interface Notice {
  code: string;
  message: string;
  action: string;
  tone: Tone;
}

export interface Snapshot {
  phase: "locked" | "cardPresent" | "signingIn" | "open";
  /** The card was pulled: everything is hidden until the same person returns with card and PIN. */
  covered: boolean;
  institution: string;
  terminal: string;
  /** Number to call in an emergency, from the terminal's settings; empty when none is set. */
  emergency: string;
  user: { holder: string; role: string; institution: string; device: string } | null;
  master: { name: string; id: string; status: MasterStatus } | null;
  card: { serial: string; firmware: string; prepared: boolean; reader: string } | null;
  notice: Notice | null;
  gateway: "online" | "offline";
  chain: { block: number; age: number } | null;
  outbox: { waiting: number; failed: number };
  /** Test roots or soft keys are trusted here: said on every screen. */
  trial: boolean;
  lock: { reason: string } | null;
}

export type MasterStatus = "unregistered" | "registered" | "accredited" | "suspended";

export interface PatientRow {
  commitment: string;
  patient: string;
  name: string;
  birthDate: string;
  since: number;
  until: number;
  read: SectionName[];
  write: SectionName[];
  /** Arrived since this person signed in and not opened yet. */
  fresh: boolean;
  state: "live" | "notYetValid" | "expired" | "revoked";
}

export interface Entry {
  record: string;
  kind: string;
  title: string;
  detail: string;
  date: string;
  status: string;
  severity: "low" | "moderate" | "high" | null;
  value: { number: number; unit: string; low: number | null; high: number | null } | null;
  source: { institution: string; author: string; role: string };
  signature: "verified" | "invalid" | "unknown";
  byKey: "session" | "signature";
}

export interface ChartSection {
  section: SectionName;
  state: "loaded" | "empty" | "withheld" | "refused" | "notLoaded";
  entries: Entry[];
}

export interface Chart {
  commitment: string;
  patient: { id: string; name: string; birthDate: string };
  sections: ChartSection[];
  /** Where this read stands in the gateway's log. */
  log: { index: number; size: number } | null;
}

/** What was typed and not yet written; one per patient. `fields` are the prescription's. */
export interface Draft {
  kind: "note" | "prescription";
  text: string;
  fields: Record<string, string>;
}

export interface Prescription {
  medication: string;
  dose: string;
  quantity: string;
  reason: string;
}

export interface ImportPreview {
  title: string;
  sections: { section: SectionName; count: number }[];
  warnings: Notice[];
  total: number;
}

export interface OutboxRow {
  record: string;
  patient: string;
  section: SectionName;
  kind: string;
  state: "waiting" | "sending" | "sent" | "refused";
  detail: string;
  at: number;
}

export interface CardStatus {
  reader: string;
  serial: string;
  firmware: string;
  prepared: boolean;
  pinTries: number | null;
  slots: { slot: string; use: string; state: "empty" | "key"; evidence: Evidence["verdict"] }[];
  /** The device this card is at the chain, if it is known there. */
  device: { id: string; holder: string; role: string; status: DeviceRow["status"] | "waiting" | "unknown" } | null;
}

export interface Evidence {
  verdict: "verified" | "testRoot" | "unverified" | "none";
  /** What is wrong or unusual, in words; empty if nothing. */
  detail: string;
  slots: { slot: string; pin: string; touch: string }[];
}

export interface RequestRow {
  request: string;
  holder: string;
  role: string;
  card: string;
  firmware: string;
  evidence: Evidence;
  words: string[];
  submitted: number;
}

export interface DeviceRow {
  device: string;
  holder: string;
  role: string;
  card: string;
  firmware: string;
  rights: number;
  notAfter: number;
  status: "active" | "revoked" | "expired";
}

/** How far a long task (preparing a card) has come; event `progress`. */
export interface Progress {
  task: "prepareCard" | "prepareMaster";
  step: string;
  done: number;
  total: number;
}

export type Topic = "snapshot" | "patients" | "chart" | "outbox" | "requests" | "devices" | "card";
