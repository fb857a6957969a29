// A workstation inside the browser, for tests of the window only (vite --mode fake). It keeps to the rules of the real one:
// nothing without a card and a sign-in, a pulled card covers, drafts outlive the cover. Driven through `window.fake`.
import type { Commands, Events } from "../../src/commands";
import type {
  CardStatus,
  Chart,
  Draft,
  ItView,
  KeyView,
  MastersView,
  Notice,
  PatientRow,
  Progress,
  ProposalRow,
  Snapshot,
  Topic,
} from "../../src/model";
import { chartOf, DEVICES, MASTERS, NOW, OFFERED, OUTBOX, PATIENTS, PROPOSALS, REQUESTS, USES, WORDS } from "./people";

const CARD = { serial: "30112233", firmware: "5.7.1", prepared: true, reader: "Virtual PCD 00 00", blocked: false };
const USER = {
  holder: "Dr Mei Lindqvist",
  role: "Doctor, internal medicine",
  institution: "Summit Clinic",
  device: "d1",
};
const notice = (code: string, message: string, action: string, tone: Notice["tone"] = "danger"): Notice => ({
  code,
  message,
  action,
  tone,
});

class Fake {
  snapshot: Snapshot = {
    phase: "locked",
    covered: false,
    institution: "Summit Clinic",
    terminal: "Ward 3 · Room 12",
    emergency: "112",
    user: null,
    cardEnd: null,
    unblock: null,
    master: null,
    card: null,
    notice: null,
    gateway: "online",
    chain: { block: 18_204, age: 2 },
    outbox: { waiting: 0, failed: 0 },
    trial: true,
    trialKeys: false,
    masterPlace: "card",
    lock: null,
  };
  patients: PatientRow[] = [...PATIENTS];
  chart: Chart | null = null;
  drafts: Record<string, Draft> = {};
  outbox = [...OUTBOX];
  requests = [...REQUESTS];
  key: KeyView = { epoch: 1, due: [], missing: 0, pending: false };
  masters: MastersView = { keys: MASTERS.slice(0, 1), threshold: 1, offered: null };
  proposals: ProposalRow[] = [];
  large = 0;
  /** Commands that answer with this notice until it is taken away. */
  refuse: Partial<Record<keyof Commands, Notice>> = {};
  calls: { command: string; args: unknown[] }[] = [];
  heardChanged: ((topics: Topic[]) => void)[] = [];
  heardProgress: ((progress: Progress) => void)[] = [];
  pinMs = 30;
  /** How long a command takes, if not at once. */
  slow: Partial<Record<keyof Commands, number>> = {};
  next = USER;

  it: ItView = { state: "locked", cards: ["30119999"], until: null };
  openIt(): void {
    const cards = [...new Set([...this.it.cards, CARD.serial])];
    this.it = { state: "open", cards, until: Math.floor(Date.now() / 1000) + 900 };
    this.tell("card");
  }

  set(change: Partial<Snapshot>, ...topics: Topic[]): void {
    this.snapshot = { ...this.snapshot, ...change };
    this.tell("snapshot", ...topics);
  }
  tell(...topics: Topic[]): void {
    for (const heard of this.heardChanged) heard(topics);
  }
  insert(prepared = true): void {
    const phase = this.snapshot.phase === "locked" ? "cardPresent" : this.snapshot.phase;
    this.set({ card: { ...CARD, prepared }, phase }, "card");
  }
  pull(): void {
    const covered = this.snapshot.phase === "open" || this.snapshot.covered;
    this.chart = null;
    const lock = covered ? { reason: "card-removed" } : null;
    this.set({ card: null, phase: "locked", covered, lock }, "patients", "chart", "card");
  }
  /** As the reader monitor has it: first the card goes, then the service. */
  serviceDown(): void {
    this.pull();
    this.set({ notice: notice("card-service-down", "the smart card service is not running", "Start it.") });
  }
  /** The session ends while the card stays. */
  end(reason: string, why: Notice | null = null): void {
    this.chart = null;
    this.set({ phase: "cardPresent", covered: true, lock: { reason }, notice: why }, "patients", "chart");
  }
  signedIn(): void {
    const lifted = { phase: "open", covered: false, lock: null, notice: null } as const;
    this.snapshot = { ...this.snapshot, ...lifted, card: CARD, user: this.next };
    this.tell("snapshot", "patients");
  }
  grant(row: PatientRow): void {
    this.patients = [row, ...this.patients];
    this.tell("patients");
  }
  revoke(commitment: string): void {
    this.patients = this.patients.map((row) => (row.commitment === commitment ? { ...row, state: "revoked" } : row));
    this.chart = null;
    this.tell("patients", "chart");
  }
  notice = notice;
  people = { PATIENTS, OUTBOX };
}

const fake = new Fake();
declare global {
  interface Window {
    fake: Fake;
  }
}
window.fake = fake;

const scene = new URLSearchParams(location.search);
if (scene.has("open")) fake.signedIn();
if (scene.has("ending")) fake.snapshot.cardEnd = { notAfter: NOW + 9 * 86_400, requested: false };
if (scene.has("master")) fake.snapshot.master = { name: "Summit Clinic", id: "ab".repeat(32), status: "accredited" };
if (scene.has("several")) {
  fake.masters = { keys: MASTERS, threshold: 2, offered: OFFERED };
  fake.proposals = [...PROPOSALS];
}
if (scene.has("unregistered")) fake.snapshot.master = { name: "", id: "ab".repeat(32), status: "unregistered" };
if (scene.has("card")) fake.insert(scene.get("card") !== "new");
if (scene.has("it")) fake.it = { ...fake.it, state: scene.get("it") as ItView["state"] };
if (scene.get("it") === "open") fake.openIt();
if (scene.has("blocked")) fake.set({ card: { ...CARD, blocked: true } });
fake.large = Number(scene.get("large") ?? 0);

const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));

async function answer<T>(command: keyof Commands, args: unknown[], work: () => T | Promise<T>): Promise<T> {
  fake.calls.push({ command, args });
  await wait(fake.slow[command] ?? 1);
  const refused = fake.refuse[command];
  if (refused) throw refused;
  return work();
}

async function withPin(work: () => void): Promise<void> {
  await wait(fake.pinMs);
  work();
}

const cardStatus = (): CardStatus | null =>
  fake.snapshot.card && {
    ...fake.snapshot.card,
    pinTries: 8,
    slots: ["9A", "9C", "9D"].map((slot, n) => ({
      slot,
      use: ["sign-in", "signature", "agreement"][n] ?? "",
      state: fake.snapshot.card?.prepared ? "key" : "empty",
      evidence: "testRoot",
    })),
    device: fake.snapshot.card.prepared ? { id: "d1", holder: USER.holder, role: USER.role, status: "unknown" } : null,
  };

const SVG = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 210 297"><rect width="210" height="297" fill="#fff"/><text x="105" y="40" text-anchor="middle" font-size="14" font-family="sans-serif">Summit Clinic</text><rect x="45" y="80" width="120" height="120"/></svg>`;

export const commands: Commands = {
  snapshot: () => answer("snapshot", [], () => fake.snapshot),
  signIn: () => answer("signIn", [], () => withPin(() => fake.signedIn())),
  lock: () =>
    answer("lock", [], () => {
      fake.chart = null;
      fake.set({
        phase: fake.snapshot.card ? "cardPresent" : "locked",
        covered: false,
        user: null,
        master: null,
        lock: { reason: "locked" },
      });
    }),
  patients: () => answer("patients", [], () => fake.patients),
  openChart: (commitment, reason) =>
    answer("openChart", [commitment, reason], () => {
      const row = fake.patients.find((known) => known.commitment === commitment);
      if (!row) throw notice("grant-unknown", "x", "y");
      fake.patients = fake.patients.map((known) => (known === row ? { ...known, fresh: false } : known));
      fake.chart = chartOf(row, fake.large);
      fake.tell("patients");
      return fake.chart;
    }),
  chart: () => answer("chart", [], () => fake.chart),
  closeChart: () =>
    answer("closeChart", [], () => {
      fake.chart = null;
    }),
  draft: (commitment) => answer("draft", [commitment], () => fake.drafts[commitment] ?? null),
  saveDraft: (commitment, draft) =>
    answer("saveDraft", [commitment, draft], () => {
      fake.drafts[commitment] = draft;
    }),
  writeNote: (commitment, text) => answer("writeNote", [commitment, text], () => undefined),
  writePrescription: (commitment, prescription) =>
    answer("writePrescription", [commitment, prescription], () => withPin(() => undefined)),
  importPreview: (commitment, bytes) =>
    answer("importPreview", [commitment, bytes.length], () => ({
      title: "Patient Summary, Harbour Hospital",
      sections: [
        { section: "allergies", count: 2 },
        { section: "medications", count: 5 },
        { section: "problems", count: 3 },
      ],
      warnings: [notice("import-no-fullurl", "2 entries have no fullUrl.", "They are read by their ids.", "warning")],
      total: 10,
    })),
  importConfirm: (commitment) => answer("importConfirm", [commitment], () => ({ records: 10 })),
  outbox: () => answer("outbox", [], () => fake.outbox),
  retry: () => answer("retry", [], () => undefined),
  writeAgain: (record) =>
    answer("writeAgain", [record], () => {
      const row = fake.outbox.find((known) => known.record === record);
      if (row?.typed) fake.drafts[row.commitment] = row.typed;
      fake.outbox = fake.outbox.filter((known) => known !== row);
    }),
  itCard: () => answer("itCard", [], () => fake.it),
  foundItCard: () => answer("foundItCard", [], () => withPin(() => fake.openIt())),
  unlockItCard: () => answer("unlockItCard", [], () => withPin(() => fake.openIt())),
  addItCard: () => answer("addItCard", [], () => withPin(() => fake.openIt())),
  forgetItCard: () =>
    answer("forgetItCard", [], () => {
      if (fake.it.state === "open") fake.it = { ...fake.it, state: "locked", until: null };
    }),
  unblockCard: () => answer("unblockCard", [], () => withPin(() => undefined)),
  cardStatus: () => answer("cardStatus", [], cardStatus),
  prepareCard: (holder, role) =>
    answer("prepareCard", [holder, role], async () => {
      for (const [done, step] of ["management", "puk", "authentication", "signature"].entries()) {
        for (const heard of fake.heardProgress) heard({ task: "prepareCard", step, done, total: 4 });
        await wait(fake.pinMs);
      }
      fake.insert(true);
    }),
  requestDevice: () => answer("requestDevice", [], () => ({ request: "r1", words: WORDS })),
  askUnblock: () =>
    answer("askUnblock", [], () => fake.set({ unblock: { card: CARD.serial, words: WORDS, until: NOW + 900 } })),
  cancelUnblock: () => answer("cancelUnblock", [], () => fake.set({ unblock: null })),
  findUnblock: (words) =>
    answer("findUnblock", [words], () => ({
      request: "u1",
      holder: "Dr Inês Duarte",
      role: "Doctor",
      card: "30110001",
      terminal: "Ward 7",
      time: NOW - 40,
    })),
  answerUnblock: (request) => answer("answerUnblock", [request], () => undefined),
  requestRenewal: () =>
    answer("requestRenewal", [], () => {
      fake.set({ cardEnd: { notAfter: NOW + 9 * 86_400, requested: true } });
      return { request: "r2", words: WORDS };
    }),
  masterSignIn: () =>
    answer("masterSignIn", [], () =>
      withPin(() => fake.set({ master: { name: "Summit Clinic", id: "ab".repeat(32), status: "accredited" } })),
    ),
  prepareMaster: () => answer("prepareMaster", [], () => withPin(() => undefined)),
  registerInstitution: (name, country) =>
    answer("registerInstitution", [name, country], () =>
      fake.set({ master: { name, id: "ab".repeat(32), status: "registered" } }),
    ),
  requests: () => answer("requests", [], () => fake.requests),
  approve: (request, rights, notAfter) =>
    answer("approve", [request, rights, notAfter], () =>
      withPin(() => {
        fake.requests = fake.requests.filter((known) => known.request !== request);
        fake.tell("requests", "devices");
      }),
    ),
  refuse: (request, reason) =>
    answer("refuse", [request, reason], () => {
      fake.requests = fake.requests.filter((known) => known.request !== request);
    }),
  devices: () => answer("devices", [], () => DEVICES),
  revokeDevice: (device, reason) =>
    answer("revokeDevice", [device, reason], () =>
      withPin(() => {
        fake.key = { ...fake.key, due: ["Dr Inês Duarte"] };
        fake.tell("devices");
      }),
    ),
  setSuspension: (device, suspended) => answer("setSuspension", [device, suspended], () => withPin(() => undefined)),
  keyState: () => answer("keyState", [], () => fake.key),
  moveKey: () =>
    answer("moveKey", [], async () => {
      for (const [done, step] of ["collecting", "sealing", "uploading", "rotating"].entries()) {
        for (const heard of fake.heardProgress) heard({ task: "moveKey", step, done, total: 4 });
        await wait(fake.pinMs);
      }
      fake.key = { epoch: fake.key.epoch + 1, due: [], missing: 0, pending: false };
    }),
  giveKey: () => answer("giveKey", [], () => withPin(() => (fake.key = { ...fake.key, missing: 0 }))),
  masters: () => answer("masters", [], () => fake.masters),
  offerMaster: (replaces, threshold) =>
    answer("offerMaster", [replaces, threshold], () => ({ ...OFFERED, replaces: replaces ?? "", threshold })),
  acceptMaster: () =>
    answer("acceptMaster", [], () => withPin(() => (fake.masters = { ...fake.masters, offered: null }))),
  changeMasters: (remove, threshold) =>
    answer("changeMasters", [remove, threshold], () =>
      withPin(() => {
        const keys = fake.masters.keys.filter((known) => known.key !== remove);
        fake.masters = { ...fake.masters, keys, threshold };
      }),
    ),
  proposals: () => answer("proposals", [], () => fake.proposals),
  cosign: (proposal) =>
    answer("cosign", [proposal], () =>
      withPin(() => {
        fake.proposals = fake.proposals.map((row) => (row.proposal === proposal ? { ...row, state: "done" } : row));
      }),
    ),
  withdraw: (proposal, reason) =>
    answer("withdraw", [proposal, reason], () => {
      fake.proposals = fake.proposals.map((row) =>
        row.proposal === proposal ? { ...row, state: "withdrawn", reason } : row,
      );
    }),
  deviceUses: (device, since) =>
    answer("deviceUses", [device, since], async () => {
      await withPin(() => undefined);
      return USES;
    }),
  poster: () =>
    answer("poster", [], () => ({
      svg: SVG,
      link: `https://wardkey.example/#/scan?v=1&c=31337&k=${"0".repeat(40)}&i=${"ab".repeat(32)}&n=Summit%20Clinic`,
    })),
  savePoster: () =>
    answer("savePoster", [], () => ({ pdf: "Posters/summit-clinic.pdf", png: "Posters/summit-clinic.png" })),
};

export const events: Events = {
  onChanged: (heard) => Promise.resolve(void fake.heardChanged.push(heard)),
  onProgress: (heard) => Promise.resolve(void fake.heardProgress.push(heard)),
};
