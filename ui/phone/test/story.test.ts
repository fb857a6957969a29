/** The patient's part of the story, against a gateway that checks every signature. */
import { beforeEach, describe, expect, it } from "vitest";
import { IDBFactory } from "fake-indexeddb";
import {
  type Sealed,
  type SignedAction,
  aad,
  commitment as commitmentOf,
  fromHex,
  fromUtf8,
  keyId,
  newSigner,
  open,
  parseGrant,
  sectionNumber,
  toHex,
} from "@wardkey/shared/protocol";
import { Clock } from "../src/clock.ts";
import { checkPoster } from "../src/patient/check-poster.ts";
import { endAccess, renewKeys } from "../src/patient/end-access.ts";
import { type Choice, prepareGrant, sendGrant } from "../src/patient/give-access.ts";
import { listAccess } from "../src/patient/list-access.ts";
import { readLog } from "../src/patient/read-log.ts";
import { readRecords } from "../src/patient/read-records.ts";
import { Session } from "../src/patient/session.ts";
import { sectionKeys } from "../src/vault/patient.ts";
import { ALL, TestGateway, type TestInstitution } from "./gateway.ts";
import { approval, registration } from "./governance.ts";
import { phone, surroundings } from "./phone.ts";

let gateway: TestGateway;
let harbour: TestInstitution;
let summit: TestInstitution;
let session: Session;
let factory: IDBFactory;

beforeEach(async () => {
  gateway = await TestGateway.make();
  harbour = await gateway.addInstitution("Harbour Hospital", "Dr Ines Moreau");
  summit = await gateway.addInstitution("Summit Clinic", "Dr Aiko Tanaka");
  factory = new IDBFactory();
  session = await phone(gateway, factory);
});

async function give(institution: TestInstitution, changes: Partial<Choice> = {}): Promise<string> {
  const found = await session.registry.freshInstitution(institution.id);
  const choice = { institution: found, read: ALL, write: ALL, expiry: session.now() + 86_400, ...changes };
  const prepared = await prepareGrant(session, choice);
  await sendGrant(session, prepared);
  return prepared.stored.commitment;
}

describe("first opening", () => {
  it("publishes a signed list of twenty keys, and keeps private halves that cannot be read out", async () => {
    expect(gateway.patients.get(session.myId)?.sectionKeys.keys).toHaveLength(20);
    expect(session.me.root.key.extractable).toBe(false);
    expect(session.me.wrapping.extractable).toBe(false);
    for (const key of await sectionKeys(session.database)) {
      expect(key.pair.privateKey.extractable).toBe(false);
      await expect(crypto.subtle.exportKey("jwk", key.pair.privateKey)).rejects.toThrow();
    }
  });

  it("is the same patient when the page is opened again", async () => {
    const again = await Session.start(await surroundings(gateway, factory));
    expect(again.myId).toBe(session.myId);
    expect(await listAccess(again)).toEqual([]);
  });

  it("stops when the network is another one", async () => {
    const other = await TestGateway.make();
    await expect(Session.start(await surroundings(other, factory))).rejects.toMatchObject({ code: "network-changed" });
  });

  it("works on a phone whose clock is a day wrong", async () => {
    const wrong = new Clock(() => Date.now() / 1000 - 86_400);
    const fresh = await Session.start({ ...(await surroundings(gateway)), clock: wrong });
    await fresh.enrol("A B", "1990-01-01");
    expect(Math.abs(fresh.now() - Date.now() / 1000)).toBeLessThan(10);
    expect(await listAccess(fresh)).toEqual([]);
  });

  it("is tried again when the clock was corrected by the refusal", async () => {
    const late = await TestGateway.make();
    const fresh = await Session.start(await surroundings(late));
    late.now = () => Math.floor(Date.now() / 1000) + 7200;
    await fresh.enrol("A B", "1990-01-01");
    expect(late.patients.has(fresh.myId)).toBe(true);
  });

  it("is finished later when the gateway was away", async () => {
    const fresh = await Session.start(await surroundings(gateway));
    gateway.down = true;
    await expect(fresh.enrol("A B", "1990-01-01")).rejects.toMatchObject({ code: "gateway-unreachable" });
    const { myId } = fresh;
    gateway.down = false;
    await fresh.enrol("A B", "1990-01-01");
    expect(fresh.myId).toBe(myId);
    expect(gateway.patients.has(myId)).toBe(true);
  });
});

describe("a poster", () => {
  it("shows the registry's name", async () => {
    const check = await checkPoster(session, gateway.poster(harbour));
    expect(check).toMatchObject({ ok: true, institution: { name: "Harbour Hospital" } });
  });

  it.each([
    ["a forged name", { n: "Harbor Hospital" }, "poster-name-forged"],
    ["an unknown institution", { i: "12".repeat(32) }, "institution-unknown"],
    ["another chain", { c: "1" }, "poster-other-network"],
    ["another contract", { k: "ab".repeat(20) }, "poster-other-network"],
    ["another version", { v: "2" }, "poster-version"],
    ["no sense", { i: "x" }, "poster-unreadable"],
  ])("stops on %s", async (_, changes, fault) => {
    expect(await checkPoster(session, gateway.poster(harbour, changes))).toMatchObject({ ok: false, fault });
  });

  it("stops on a suspended or unapproved institution", async () => {
    harbour.status = "suspended";
    expect(await checkPoster(session, gateway.poster(harbour))).toMatchObject({ fault: "institution-suspended" });
    harbour.status = "registered";
    expect(await checkPoster(session, gateway.poster(harbour))).toMatchObject({ fault: "institution-not-accredited" });
  });
});

describe("access", () => {
  it("gives the keys of the chosen sections, and of no other", async () => {
    const read = ALL.filter((section) => section !== "pregnancy");
    const commitment = await give(summit, { read, write: ["encounters"] });
    const grant = gateway.grants.get(commitment);
    const sections = grant?.sectionKeys.map((key) => key.section) ?? [];
    expect(sections.sort((a, b) => a - b)).toEqual(read.map(sectionNumber));
    expect(grant?.document.write).toBe(1 << 17);
    const bound = fromHex(commitment, 32);
    const label = await open(summit.agreement, gateway.domain, "wardkey/label/1", bound, grant!.label);
    expect(JSON.parse(fromUtf8(label))).toEqual({ name: "Mara Lindqvist", birthDate: "1985-03-27" });
    const first = grant!.sectionKeys[0]!;
    const associated = aad.section(session.me.patientId, bound, first.section, first.epoch);
    const scalar = await open(summit.agreement, gateway.domain, "wardkey/section/1", associated, first);
    expect(scalar).toHaveLength(32);
    await expect(open(harbour.agreement, gateway.domain, "wardkey/section/1", associated, first)).rejects.toThrow();
  });

  it("is listed with the registry's name, and is sent twice without harm", async () => {
    const found = await session.registry.freshInstitution(harbour.id);
    const prepared = await prepareGrant(session, {
      institution: found,
      read: ALL,
      write: [],
      expiry: session.now() + 60,
    });
    await sendGrant(session, prepared);
    await sendGrant(session, prepared);
    const list = await listAccess(session);
    expect(list).toMatchObject([{ institutionName: "Harbour Hospital", state: "live" }]);
  });

  it("ends by the one-time key, and new keys follow for sections that nobody else reads", async () => {
    await give(harbour, { read: ["allergies"] });
    const commitment = await give(summit, { read: ["allergies", "problems"] });
    await endAccess(session, commitment);
    await renewKeys(session, commitment);
    expect((await listAccess(session)).map((access) => access.state)).toEqual(["live", "revoked"]);
    const published = gateway.patients.get(session.myId)?.sectionKeys;
    expect(published?.version).toBe(2);
    expect(published?.keys.filter((key) => key.section === 1).map((key) => key.epoch)).toEqual([0, 1]);
    expect(published?.keys.filter((key) => key.section === 2).map((key) => key.epoch)).toEqual([0]);
  });

  it("cannot be ended without its one-time key", async () => {
    await expect(endAccess(session, "00".repeat(32))).rejects.toMatchObject({ code: "grant-not-from-this-phone" });
  });

  it("is not given to an institution that was suspended or renamed since the poster was scanned", async () => {
    const found = await session.registry.freshInstitution(harbour.id);
    const choice = { institution: found, read: ALL, write: ALL, expiry: session.now() + 60 };
    harbour.name = "Harbour Bank";
    await expect(prepareGrant(session, choice)).rejects.toMatchObject({ code: "institution-renamed" });
    harbour.status = "suspended";
    await expect(prepareGrant(session, choice)).rejects.toMatchObject({ code: "institution-suspended" });
    expect(gateway.grants.size).toBe(0);
  });

  it("is not given when the gateway swaps the agreement key, with or without the signed history", async () => {
    const found = await session.registry.freshInstitution(harbour.id);
    const choice = { institution: found, read: ALL, write: ALL, expiry: session.now() + 60 };
    const own = toHex((await newSigner()).publicKey);
    type Shown = { agreement: { key: string }; actions: SignedAction[] };
    const lying = (change: (shown: Shown) => void): void => {
      gateway.lie = (target, value) => {
        if (target !== `/v1/institutions/${harbour.id}`) return value;
        const copy = structuredClone(value) as Shown;
        copy.agreement.key = own;
        change(copy);
        return copy;
      };
    };
    lying(() => undefined);
    const { body } = await prepareGrant(session, choice);
    const { label, document } = body as { label: Sealed; document: string };
    const bound = commitmentOf(parseGrant(fromHex(document)));
    await expect(open(harbour.agreement, gateway.domain, "wardkey/label/1", bound, label)).resolves.toBeDefined();

    const summits = await registration(gateway.domain, summit);
    const changes: ((shown: Shown) => void)[] = [
      (shown) => (shown.actions[0]!.message["agreementX"] = own.slice(2, 66)),
      (shown) => (shown.actions[0]!.message["name"] = "Harbour Bank"),
      (shown) => (shown.actions[0]!.signatures = ["11".repeat(64)]),
      (shown) => (shown.actions = [summits]),
      (shown) => (shown.actions = []),
    ];
    for (const change of changes) {
      lying(change);
      await expect(prepareGrant(session, choice)).rejects.toMatchObject({ code: "institution-unproved" });
      await expect(checkPoster(session, gateway.poster(harbour))).rejects.toMatchObject({
        code: "institution-unproved",
      });
    }
  });

  it("refuses an empty choice and an end in the past", async () => {
    await expect(give(harbour, { read: [], write: [] })).rejects.toMatchObject({ code: "grant-empty" });
    await expect(give(harbour, { expiry: session.now() - 1 })).rejects.toMatchObject({ code: "grant-in-the-past" });
  });

  it("leaves out a grant whose document was exchanged", async () => {
    await give(harbour);
    gateway.lie = (target, value) =>
      target.endsWith("/grants")
        ? (value as object[]).map((grant) => ({ ...grant, commitment: "00".repeat(32) }))
        : value;
    expect(await listAccess(session)).toEqual([]);
  });
});

describe("records", () => {
  const allergy = { resourceType: "AllergyIntolerance", code: { text: "Penicillin" } };

  beforeEach(async () => {
    await gateway.write(harbour, session.myId, "allergies", allergy);
    await gateway.write(summit, session.myId, "medications", { resourceType: "MedicationRequest" }, true);
  });

  it("are opened and checked, signed in a session or by the card", async () => {
    const records = await readRecords(session);
    expect(records.map((record) => record.verified)).toEqual(["yes", "yes"]);
    expect(records.find((record) => record.section === 2)).toMatchObject({
      institutionName: "Harbour Hospital",
      author: { holder: "Dr Ines Moreau" },
      signedByCard: false,
      summary: { title: "Penicillin" },
    });
    expect(records.find((record) => record.section === 3)).toMatchObject({ signedByCard: true });
  });

  type Change = (records: TestGateway["records"]) => void;
  const changes: [string, Change, string][] = [
    [
      "altered ciphertext",
      ([r]) => (r!.ct = r!.ct.replace(/^./, (c) => (c === "A" ? "B" : "A"))),
      "record-bad-signature",
    ],
    ["an altered time", ([r]) => (r!.header = { ...r!.header, time: r!.header.time + 1 }), "record-bad-signature"],
    [
      "another institution",
      ([r]) => (r!.header = { ...r!.header, institution: summit.id }),
      "record-other-institution",
    ],
    ["another patient", ([r]) => (r!.header = { ...r!.header, patient: "12".repeat(32) }), "record-misplaced"],
    [
      "a delegation for another time",
      ([r]) => r!.author.by === "session" && (r!.author.delegation.expiry = r!.header.time),
      "record-bad-delegation",
    ],
    ["exchanged contents", ([a, b]) => ([a!.ct, b!.ct] = [b!.ct, a!.ct]), "record-bad-signature"],
  ];
  it.each(changes)("show %s", async (_, change, code) => {
    gateway.lie = (target, value) => {
      if (!target.includes("/records")) return value;
      const copy = structuredClone(value) as { records: TestGateway["records"] };
      change(copy.records);
      return copy;
    };
    const found = await readRecords(session);
    expect(found.map((record) => record.verified)).toContain(code);
  });

  it("show a card that no institution approved, or another approval than its own", async () => {
    const foreign = await approval(gateway.domain, summit);
    const lies = [undefined, foreign, { ...(await approval(gateway.domain, harbour)), signatures: ["11".repeat(64)] }];
    for (const lie of lies) {
      gateway.lie = (target, value) =>
        target === `/v1/devices/${toHex(keyId(harbour.device.publicKey))}`
          ? { ...(value as object), approval: lie }
          : value;
      const again = await Session.start(await surroundings(gateway, factory));
      const found = await readRecords(again);
      expect(found.find((record) => record.section === 2)).toMatchObject({
        verified: "device-unproved",
        author: undefined,
      });
    }
  });

  it("show a certificate that the chain does not know", async () => {
    summit.certificate = { ...summit.certificate, holder: "Dr Somebody Else" };
    const real = { ...summit.certificate, holder: "Dr Aiko Tanaka" };
    gateway.lie = (target, value) => (target.endsWith("/certificate") && value === summit.certificate ? real : value);
    const found = await readRecords(session);
    expect(found.find((record) => record.signedByCard)).toMatchObject({
      verified: "certificate-mismatch",
      author: undefined,
    });
  });

  it("stay closed when the answer is not the gateway's", async () => {
    const honest = gateway.fetch;
    const altered: typeof honest = async (target, init) => {
      const answer = await honest(target, init);
      const text = (await answer.text()).replace(/"version":1/, '"version":2');
      return new Response(text, { status: answer.status, headers: answer.headers });
    };
    const again = await Session.start({ ...session.around, fetch: altered });
    await expect(readRecords(again)).rejects.toMatchObject({ code: "answer-unsigned" });
  });
});

describe("the log", () => {
  const states = async (): Promise<string[]> =>
    (await readLog(session)).groups
      .flatMap((group) => group.lines)
      .sort((a, b) => a.sequence - b.sequence)
      .map(({ state }) => (state.verified === "no" ? state.fault : state.verified));

  beforeEach(async () => {
    for (const section of [1, 2, 3]) {
      await gateway.log(session.myId, { action: 1, section, reason: "Emergency", subject: "00".repeat(32) }, summit);
    }
    await gateway.log(session.myId, { action: 1, section: 2, reason: "", subject: "00".repeat(32) });
  });

  it("says who, when, which section and why, and waits calmly for a checkpoint", async () => {
    const { groups } = await readLog(session);
    expect(groups).toHaveLength(2);
    expect(groups[0]?.actor).toEqual({ kind: "self" });
    expect(groups[1]).toMatchObject({
      actor: { kind: "person", holder: "Dr Aiko Tanaka", institutionName: "Summit Clinic" },
      action: "read",
      reason: "Emergency",
    });
    expect(await states()).toEqual(["waiting", "waiting", "waiting", "waiting"]);
    gateway.putCheckpoint();
    await gateway.log(session.myId, { action: 1, section: 5, reason: "", subject: "00".repeat(32) }, harbour);
    expect(await states()).toEqual(["yes", "yes", "yes", "yes", "waiting"]);
  });

  it("shows a removed line, in the middle and at the end", async () => {
    gateway.putCheckpoint();
    const all = gateway.patients.get(session.myId)!.entries;
    expect(await states()).toEqual(["yes", "yes", "yes", "yes"]);
    const [removed] = all.splice(1, 1);
    expect(await states()).toEqual(["yes", "missing", "yes", "yes"]);
    all.splice(1, 0, removed!);
    const last = all.pop();
    expect(await states()).toEqual(["yes", "yes", "yes", "missing"]);
    all.push(last!);
    expect(await states()).toEqual(["yes", "yes", "yes", "yes"]);
    all.length = 0;
    expect(await states()).toEqual(["missing"]);
  });

  it("shows an altered line, a false receipt, and a line outside the tree", async () => {
    gateway.putCheckpoint();
    const { entries } = gateway.patients.get(session.myId)!;
    const [zero, one, two] = [entries[0]!, entries[1]!, entries[2]!];
    [zero.enc, zero.ct] = [one.enc, one.ct];
    one.receipt = { ...one.receipt, signature: zero.receipt.signature };
    two.index = 3;
    two.receipt = { ...two.receipt, index: 3 };
    expect(await states()).toEqual(["altered", "unpromised", "unpromised", "yes"]);
  });

  it("shows a line that the tree on chain does not hold", async () => {
    gateway.putCheckpoint();
    gateway.lie = (target, value) => {
      if (!target.includes("/log")) return value;
      const copy = structuredClone(value) as { entries: { path?: string[] }[] };
      const [first, second] = copy.entries;
      if (first && second?.path) first.path = second.path;
      return copy;
    };
    expect(await states()).toEqual(["not-in-log", "yes", "yes", "yes"]);
  });

  it("shows a rewritten history and a checkpoint that falls", async () => {
    gateway.putCheckpoint();
    expect((await readLog(session)).conflict).toBe(false);
    const before = gateway.checkpoint!;
    gateway.checkpoint = { ...before, root: "12".repeat(32) };
    expect((await readLog(session)).conflict).toBe(true);
    gateway.checkpoint = { ...before, size: 1 };
    expect((await readLog(session)).conflict).toBe(true);
    gateway.checkpoint = null;
    expect((await readLog(session)).conflict).toBe(true);
  });

  it("does not believe a checkpoint that the contract does not have", async () => {
    gateway.putCheckpoint();
    gateway.lie = (target, value) =>
      target.includes("/log")
        ? { ...(value as object), checkpoint: { size: 9, root: toHex(new Uint8Array(32)), block: 1 } }
        : value;
    expect((await readLog(session)).conflict).toBe(true);
  });
});
