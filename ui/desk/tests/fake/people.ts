// Invented people and records for the tests of the window. Nothing here is shipped.
import type {
  Chart,
  ChartSection,
  DeviceRow,
  DeviceUses,
  Entry,
  MasterRow,
  OfferedMaster,
  OutboxRow,
  PatientRow,
  ProposalRow,
  RequestRow,
  SectionName,
} from "../../src/model";

export const NOW = Math.floor(Date.now() / 1000);
const DAY = 86_400;
const hex = (seed: string): string =>
  Array.from(seed.padEnd(8, "x"))
    .map((c) => c.charCodeAt(0).toString(16))
    .join("")
    .repeat(4)
    .slice(0, 64);

export const ALL: SectionName[] = [
  "demographics",
  "problems",
  "allergies",
  "medications",
  "immunizations",
  "results",
  "procedures",
  "devices",
  "advanceDirectives",
  "alerts",
  "functionalStatus",
  "pastProblems",
  "pregnancy",
  "patientStory",
  "planOfCare",
  "socialHistory",
  "vitalSigns",
  "encounters",
  "documents",
];

const row = (name: string, birthDate: string, more: Partial<PatientRow> = {}): PatientRow => ({
  commitment: hex(`c${name}`),
  patient: hex(`p${name}`),
  name,
  birthDate,
  since: NOW - 3600,
  until: NOW + 7 * DAY,
  read: ALL.filter((section) => section !== "pregnancy"),
  write: ["encounters", "medications", "documents"],
  fresh: false,
  state: "live",
  ...more,
});

export const PATIENTS: PatientRow[] = [
  row("Ana Ribeiro", "1984-05-17", { since: NOW - 40, fresh: true }),
  row("Tomasz Wiśniewski", "1951-11-02", { write: [] }),
  row("Keiko Tanaka", "1990-02", { until: NOW + 300 * DAY, since: NOW - 12 * DAY }),
  row("Ibrahim Al-Masri", "2019-08-30", { state: "notYetValid", since: NOW - 2 * DAY }),
  row("Lena Müller", "1973-01-09", { state: "expired", since: NOW - 40 * DAY, until: NOW - DAY }),
];

let serial = 0;
const entry = (kind: string, title: string, more: Partial<Entry> = {}): Entry => ({
  record: hex(`r${String(++serial)}`) + String(serial),
  kind,
  title,
  detail: "",
  date: "2025-06-14",
  status: "active",
  severity: null,
  value: null,
  source: { institution: "Harbour Hospital", author: "Dr Inês Duarte", role: "Doctor" },
  signature: "verified",
  byKey: "session",
  ...more,
});

const measured = (
  title: string,
  unit: string,
  low: number | null,
  high: number | null,
  values: [string, number][],
): Entry[] =>
  values.map(([date, number]) =>
    entry("Observation", title, { date, status: "final", value: { number, unit, low, high } }),
  );

const FILLED: Partial<Record<SectionName, Entry[]>> = {
  allergies: [
    entry("AllergyIntolerance", "Penicillin", { severity: "high", detail: "Anaphylaxis, 2009" }),
    entry("AllergyIntolerance", "Peanut", { severity: "moderate", detail: "Hives" }),
  ],
  medications: [
    entry("MedicationStatement", "Apixaban 5 mg tablet", { detail: "1 tablet twice a day, by mouth" }),
    entry("MedicationRequest", "Metoprolol succinate 47.5 mg", {
      detail: "1 tablet in the morning",
      byKey: "signature",
      date: "2025-11-02",
    }),
    entry("MedicationStatement", "Ibuprofen 400 mg", {
      status: "stopped",
      detail: "Stopped because of apixaban",
      signature: "unknown",
      date: "2024",
    }),
  ],
  problems: [
    entry("Condition", "Paroxysmal atrial fibrillation", { date: "2021-03-04", detail: "I48.0" }),
    entry("Condition", "Type 2 diabetes mellitus", { date: "2019-10", signature: "invalid" }),
  ],
  results: [
    ...measured("Haemoglobin A1c", "%", null, 6.5, [
      ["2024-01-12", 7.9],
      ["2024-07-09", 7.4],
      ["2025-01-20", 7.1],
      ["2025-07-18", 6.8],
      ["2026-01-15", 6.3],
    ]),
    ...measured("Creatinine", "µmol/L", 45, 84, [
      ["2024-07-09", 71],
      ["2025-01-20", 79],
      ["2025-07-18", 88],
      ["2026-01-15", 91],
    ]),
    ...measured("Potassium", "mmol/L", 3.5, 5.1, [["2026-01-15", 4.2]]),
  ],
  vitalSigns: [
    entry("Observation", "Blood pressure", { detail: "132 / 84 mmHg", status: "final", date: "2026-01-15T09:20:00Z" }),
  ],
  immunizations: [entry("Immunization", "Tetanus, diphtheria", { status: "completed", date: "2022-05-01" })],
  encounters: [
    entry("Composition", "Cardiology follow-up", {
      detail: "Palpitations twice a month, under two minutes.\nNo syncope. Continue apixaban. Review in six months.",
      date: "2025-11-02T14:05:00Z",
      status: "final",
    }),
  ],
  demographics: [entry("Patient", "Ana Ribeiro", { detail: "Female · born 17 May 1984 · Portugal", status: "" })],
};

const section = (name: SectionName): ChartSection => {
  if (name === "pregnancy") return { section: name, state: "withheld", entries: [] };
  if (name === "devices") return { section: name, state: "notLoaded", entries: [] };
  const entries = FILLED[name] ?? [];
  return { section: name, state: entries.length > 0 ? "loaded" : "empty", entries };
};

export function chartOf(patient: PatientRow, large = 0): Chart {
  const sections = ALL.map(section);
  const results = sections.find((known) => known.section === "results");
  if (results)
    for (let n = 0; n < large; n++)
      results.entries.push(
        entry("Observation", `Laboratory value ${String(n)}`, { value: { number: n, unit: "U/L", low: 1, high: 400 } }),
      );
  return {
    commitment: patient.commitment,
    patient: { id: patient.patient, name: patient.name, birthDate: patient.birthDate },
    sections,
    log: { index: 41, size: 44 },
  };
}

export const OUTBOX: OutboxRow[] = [
  {
    record: "a1",
    commitment: hex("cAna Ribeiro"),
    typed: null,
    patient: "Ana Ribeiro",
    section: "encounters",
    kind: "Composition",
    state: "waiting",
    detail: "The gateway does not answer.",
    at: NOW - 25,
  },
  {
    record: "a2",
    commitment: hex("cAna Ribeiro"),
    typed: null,
    patient: "Ana Ribeiro",
    section: "medications",
    kind: "MedicationRequest",
    state: "sent",
    detail: "Line 44",
    at: NOW - 400,
  },
  {
    record: "a3",
    commitment: hex("cTomasz Wiśniewski"),
    typed: { kind: "note", text: "Refused and not lost", fields: {} },
    patient: "Tomasz Wiśniewski",
    section: "encounters",
    kind: "Composition",
    state: "refused",
    detail: "section-not-granted",
    at: NOW - 4000,
  },
  {
    record: "a4",
    commitment: hex("cLena Müller"),
    typed: { kind: "prescription", text: "", fields: { medication: "Ramipril 5 mg", dose: "1 in the morning" } },
    patient: "Lena Müller",
    section: "medications",
    kind: "MedicationRequest",
    state: "refused",
    detail: "grant-expired",
    at: NOW - 5000,
  },
];

export const WORDS = ["orbit", "maple", "canal", "velvet", "ginger", "stone"];

const slots = ["9A", "9C", "9D"].map((slot) => ({ slot, pin: slot === "9C" ? "always" : "once", touch: "never" }));
export const REQUESTS: RequestRow[] = [
  {
    request: hex("req1"),
    holder: "Dr Mei Lindqvist",
    role: "Doctor",
    card: "30112233",
    firmware: "5.7.1",
    evidence: { verdict: "testRoot", detail: "", slots },
    words: WORDS,
    submitted: NOW - 120,
    renews: NOW + 12 * DAY,
    others: [],
  },
  {
    request: hex("req2"),
    holder: "Jonas Falk",
    role: "Nurse",
    card: "30112299",
    firmware: "5.4.3",
    evidence: { verdict: "invalid", detail: "Slot 9C has no attestation.", slots },
    words: [...WORDS].reverse(),
    submitted: NOW - 7200,
    renews: null,
    others: ["30110007"],
  },
];

export const MASTERS: MasterRow[] = ["one", "two", "three"].map((name, n) => ({
  key: hex(`m${name}`),
  name: hex(`m${name}`).slice(0, 8),
  words: WORDS,
  own: n === 0,
}));

export const OFFERED: OfferedMaster = {
  card: "30119004",
  evidence: { verdict: "testRoot", detail: "", slots },
  words: WORDS,
  replaces: "",
  threshold: 2,
};

export const PROPOSALS: ProposalRow[] = [
  {
    proposal: hex("prop1"),
    kind: "approve",
    holder: "Jonas Falk",
    role: "Nurse",
    card: "30112299",
    rights: 3,
    notAfter: NOW + 700 * DAY,
    evidence: { verdict: "testRoot", detail: "", slots },
    words: WORDS,
    masters: [],
    threshold: 0,
    proposer: "6d74776f",
    proposed: NOW - 600,
    signatures: [{ name: "6d74776f", own: false, at: NOW - 600 }],
    needed: 2,
    deadline: NOW + 6 * DAY,
    state: "open",
    reason: "",
  },
];

export const DEVICES: DeviceRow[] = [
  {
    device: hex("d1"),
    holder: "Dr Inês Duarte",
    role: "Doctor",
    card: "30110001",
    firmware: "5.7.1",
    rights: 3,
    notAfter: NOW + 500 * DAY,
    status: "active",
    lastUse: NOW - 300,
    note: "",
  },
  {
    device: hex("d2"),
    holder: "Piet de Vries",
    role: "Nurse",
    card: "30110002",
    firmware: "5.4.3",
    rights: 1,
    notAfter: NOW + 20 * DAY,
    status: "revoked",
    lastUse: NOW - 9 * DAY,
    note: "Lost or stolen",
  },
  {
    device: hex("d3"),
    holder: "Jonas Falk",
    role: "Nurse",
    card: "30110007",
    firmware: "5.4.3",
    rights: 1,
    notAfter: NOW + 9 * DAY,
    status: "active",
    lastUse: null,
    note: "",
  },
];

export const USES: DeviceUses = {
  device: hex("d1"),
  holder: "Dr Inês Duarte",
  card: "30110001",
  since: NOW - 7 * DAY,
  until: NOW,
  patients: 2,
  sealed: 1,
  lines: [
    {
      time: NOW - 2 * DAY,
      action: "read",
      patient: hex("p1"),
      name: "Lena Müller",
      birthDate: "1951-03-02",
      section: "allergies",
      reason: "Treatment today",
      index: 41,
    },
    {
      time: NOW - DAY,
      action: "write",
      patient: hex("p2"),
      name: "",
      birthDate: "",
      section: "medications",
      reason: "Review of medication",
      index: 57,
    },
  ],
};
