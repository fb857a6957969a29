/**
 * A gateway in memory, for tests only: it keeps to protocol §7 with real signatures, seals and Merkle trees, and lets a test
 * lie in its name.
 */
import {
  type Bytes,
  DELEGATION,
  type Delegation,
  type DeviceCertificate,
  type Domain,
  type GrantDocument,
  type LogEntry,
  type LogEvent,
  RECEIPT,
  RECORD,
  REVOKE,
  GRANT,
  GRANT_DOCUMENT,
  type RecordEnvelope,
  type RecordHeader,
  SECTIONS,
  type SectionKeysBody,
  type Sealed,
  type Section,
  type Signer,
  aad,
  certificateDigest,
  commitment,
  contentDigest,
  coordinates,
  delegationMessage,
  domainOf,
  eventLeaf,
  fromHex,
  fromUtf8,
  headerDigest,
  keyId,
  leafHash,
  newSigner,
  parseByteDictionary,
  parseGrant,
  parseSignatureInput,
  point,
  rawPublicKey,
  recordMessage,
  seal,
  sectionNumber,
  sign,
  signatureBase,
  splitTarget,
  toHex,
  utf8,
  verify,
  verifyBytes,
  verifySectionKeys,
} from "@wardkey/shared/protocol";
import { approval, registration } from "./governance.ts";
import { signAnswer } from "../../shared/test/answer.ts";
import { path, root } from "../../shared/test/tree.ts";

const ZERO = "0".repeat(64);

/** An institution with one doctor, as tests need them: all private keys at hand. */
export interface TestInstitution {
  id: string;
  name: string;
  country: string;
  status: string;
  master: Signer;
  agreement: CryptoKeyPair;
  agreementKey: Bytes;
  device: Signer;
  signature: Signer;
  session: Signer;
  certificate: DeviceCertificate;
}

interface StoredGrant {
  document: GrantDocument;
  hex: string;
  sectionKeys: ({ section: number; epoch: number } & Sealed)[];
  label: Sealed;
  state: "live" | "revoked";
}

interface Patient {
  key: Bytes;
  sectionKeys: SectionKeysBody;
  events: LogEvent[];
  entries: Omit<LogEntry, "path">[];
}

interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Bytes;
}

class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
  ) {
    super(code);
  }
}

export class TestGateway {
  domain: Domain = domainOf({ chainId: 31_337, contract: "aa".repeat(20), salt: "bb".repeat(32) });
  institutions: TestInstitution[] = [];
  patients = new Map<string, Patient>();
  grants = new Map<string, StoredGrant>();
  records: RecordEnvelope[] = [];
  leaves: string[] = [];
  checkpoint: { size: number; root: string; block: number } | null = null;
  block = 100;
  down = false;
  /** Changes an answer before it is signed: a gateway that lies. */
  lie: (target: string, value: unknown) => unknown = (_, value) => value;

  private constructor(
    readonly key: Signer,
    public now: () => number,
  ) {}

  static async make(now: () => number = () => Math.floor(Date.now() / 1000)): Promise<TestGateway> {
    return new TestGateway(await newSigner(), now);
  }

  async addInstitution(name: string, holder: string, status = "accredited"): Promise<TestInstitution> {
    const [master, device, signature, session] = await Promise.all([
      newSigner(),
      newSigner(),
      newSigner(),
      newSigner(),
    ]);
    const ecdh = { name: "ECDH", namedCurve: "P-256" } as const;
    const agreement = (await crypto.subtle.generateKey(ecdh, false, ["deriveBits"])) as CryptoKeyPair;
    const agreementKey = await rawPublicKey(agreement.publicKey);
    const id = toHex(keyId(master.publicKey));
    const certificate: DeviceCertificate = {
      institution: id,
      holder,
      role: "Doctor",
      card: "5000001",
      firmware: "5.7.1",
      device: toHex(device.publicKey),
      signature: toHex(signature.publicKey),
      agreement: toHex(agreementKey),
      evidence: ZERO,
    };
    const keys = { master, agreement, agreementKey, device, signature, session };
    const made = { id, name, country: "CH", status, ...keys, certificate };
    this.institutions.push(made);
    return made;
  }

  poster(institution: TestInstitution, changes: Partial<Record<"v" | "c" | "k" | "i" | "n", string>> = {}): string {
    const { chainId, contract } = this.domain;
    const fields = {
      v: "1",
      c: String(chainId),
      k: toHex(contract),
      i: institution.id,
      n: institution.name,
      ...changes,
    };
    return `#/scan?${Object.entries(fields)
      .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
      .join("&")}`;
  }

  /** Puts the log's present root on the chain. */
  putCheckpoint(): void {
    this.block += 1;
    const hashes = this.leaves.map((leaf) => leafHash(fromHex(leaf, 32)));
    this.checkpoint = { size: hashes.length, root: toHex(root(hashes)), block: this.block };
  }

  /** Logs a deed, as the gateway does before it answers. */
  async log(
    patientId: string,
    deed: Pick<LogEvent, "action" | "section" | "reason" | "subject">,
    by?: TestInstitution,
  ) {
    const patient = this.patient(patientId);
    const event: LogEvent = {
      sequence: patient.events.length,
      previous: patient.entries.at(-1)?.leaf ?? ZERO,
      ...deed,
      patient: patientId,
      institution: by?.id ?? ZERO,
      device: by ? toHex(keyId(by.device.publicKey)) : ZERO,
      time: this.now(),
      salt: toHex(crypto.getRandomValues(new Uint8Array(32))),
    };
    const leaf = eventLeaf(event);
    const index = this.leaves.push(toHex(leaf)) - 1;
    const logKey = patient.sectionKeys.keys.find((key) => key.section === 31);
    const associated = aad.event(fromHex(patientId, 32), leaf);
    const plain = utf8(JSON.stringify(event));
    const sealed = await seal(fromHex(logKey?.key ?? "", 65), this.domain, "wardkey/event/1", associated, plain);
    const receipt = { index, leaf, time: event.time };
    const signature = toHex(await sign(this.key, this.domain, RECEIPT, receipt));
    patient.events.push(event);
    const entry = { sequence: event.sequence, index, leaf: toHex(leaf), ...sealed };
    patient.entries.push({ ...entry, receipt: { ...receipt, leaf: toHex(leaf), signature } });
  }

  /** Writes a record as an institution's workstation does. */
  async write(by: TestInstitution, patientId: string, section: Section, resource: object, signedByCard = false) {
    const number = sectionNumber(section);
    const keys = this.patient(patientId).sectionKeys.keys.filter((key) => key.section === number);
    const newest = keys.reduce((a, b) => (a.epoch > b.epoch ? a : b));
    const header: RecordHeader = {
      record: toHex(crypto.getRandomValues(new Uint8Array(32))),
      patient: patientId,
      section: number,
      epoch: newest.epoch,
      version: 1,
      institution: by.id,
      device: toHex(keyId(by.device.publicKey)),
      time: this.now(),
      kind: (resource as { resourceType: string }).resourceType,
    };
    const plain = utf8(JSON.stringify(resource));
    const sealed = await seal(fromHex(newest.key, 65), this.domain, "wardkey/record/1", headerDigest(header), plain);
    const message = recordMessage({ header, ...sealed });
    const signer = signedByCard ? by.signature : by.session;
    const signature = toHex(await sign(signer, this.domain, RECORD, message));
    const author = signedByCard
      ? ({ by: "signature", signature } as const)
      : ({ by: "session", ...(await this.delegate(by, header)), signature } as const);
    this.records.push({ header, ...sealed, author });
    await this.log(patientId, { action: 2, section: number, reason: "", subject: header.record }, by);
  }

  private async delegate(by: TestInstitution, header: RecordHeader) {
    const delegation: Delegation = {
      principal: header.device,
      kind: 1,
      session: toHex(by.session.publicKey),
      audience: toHex(keyId(this.key.publicKey)),
      notBefore: header.time - 10,
      expiry: header.time + 800,
    };
    const message = delegationMessage(delegation);
    const delegationSignature = toHex(await sign(by.device, this.domain, DELEGATION, message));
    return { delegation, delegationSignature, deviceKey: toHex(by.device.publicKey) };
  }

  private patient(id: string): Patient {
    const patient = this.patients.get(id);
    if (!patient) throw new Refused(404, "patient-unknown");
    return patient;
  }

  /** `fetch` against this gateway. */
  fetch = async (target: string, init: RequestInit): Promise<Response> => {
    if (this.down) throw new TypeError("network");
    const headers = Object.fromEntries(new Headers(init.headers).entries());
    const body =
      typeof init.body === "string" ? utf8(init.body) : ((init.body as Bytes | undefined) ?? new Uint8Array());
    const answer = await this.answer(init.method ?? "GET", target, headers, body);
    return new Response(answer.body, { status: answer.status, headers: answer.headers });
  };

  /** Answers one request. */
  async answer(method: string, target: string, headers: Record<string, string>, body: Bytes): Promise<Answer> {
    try {
      const patient = headers["signature"] ? await this.authenticate(method, target, headers, body) : undefined;
      const value: unknown = body.length > 0 ? JSON.parse(fromUtf8(body)) : undefined;
      const given = this.lie(target, await this.route(method, target, value, patient, headers));
      return await this.reply(method, target, headers, 200, given);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const told = {
        type: `urn:wardkey:problem:${error.code}`,
        title: error.code,
        status: error.status,
        code: error.code,
        action: "",
      };
      return this.reply(method, target, headers, error.status, told);
    }
  }

  private async reply(
    method: string,
    target: string,
    headers: Record<string, string>,
    status: number,
    value: unknown,
  ): Promise<Answer> {
    const body = utf8(JSON.stringify(value));
    const date = new Date(this.now() * 1000).toUTCString();
    const plain = { "content-type": "application/json", date };
    const sent = headers["signature"];
    if (!sent) return { status, headers: plain, body };
    const signed = await signAnswer(this.key, { method, ...splitTarget(target) }, sent, status, body);
    return { status, headers: { ...plain, ...signed.headers }, body };
  }

  /** Checks a patient's request signature, from the text of protocol §7. */
  private async authenticate(method: string, target: string, headers: Record<string, string>, body: Bytes) {
    const key = fromHex(headers["wardkey-key"] ?? "", 65);
    const input = parseSignatureInput(headers["signature-input"] ?? "").get("wardkey");
    const signature = parseByteDictionary(headers["signature"] ?? "").get("wardkey");
    const id = toHex(keyId(key));
    const { path: at, query } = splitTarget(target);
    const lines: [string, string][] = [
      ['"@method"', method],
      ['"@path"', at],
      ['"@query"', query],
    ];
    if (body.length > 0) lines.push(['"content-digest"', contentDigest(body)]);
    const list = `(${lines.map(([name]) => name).join(" ")})`;
    const created = Number(input?.parameters.get("created"));
    if (Math.abs(created - this.now()) > 60) throw new Refused(401, "request-time");
    const fits =
      input?.text.startsWith(list) &&
      signature &&
      input.parameters.get("keyid") === `patient:${id}` &&
      (await verifyBytes(key, signatureBase(lines, input.text), signature));
    if (!fits) throw new Refused(401, "request-bad-signature");
    return id;
  }

  private async route(
    method: string,
    target: string,
    value: unknown,
    patient: string | undefined,
    headers: Record<string, string>,
  ): Promise<unknown> {
    const { path: at } = splitTarget(target);
    const [, , area = "", id = "", part = ""] = at.split("/");
    if (area === "network") return this.network();
    if (area === "institutions") return this.institution(id);
    if (area === "devices") return this.device(id, part);
    if (area === "checkpoints") {
      if (!this.checkpoint) throw new Refused(404, "checkpoint-none");
      return { ...this.checkpoint, time: this.now() };
    }
    if (area === "actions" && method === "POST") return this.revoke(value);
    if (!patient) throw new Refused(401, "request-unsigned");
    if (area === "grants" && method === "POST") return this.grant(value, patient);
    if (area !== "patients" || id !== patient) throw new Refused(403, "patient-other");
    if (part === "section-keys") return this.putSectionKeys(patient, value, headers);
    if (part === "grants") return this.grantsOf(patient);
    if (part === "records") return this.readRecords(patient, target);
    if (part === "log") return this.logOf(patient, Number(new URLSearchParams(splitTarget(target).query).get("from")));
    throw new Refused(404, "route-unknown");
  }

  private network(): unknown {
    return {
      name: "Trial network",
      chainId: this.domain.chainId,
      contract: toHex(this.domain.contract),
      salt: toHex(this.domain.salt),
      operator: toHex(this.key.publicKey),
      gateway: toHex(this.key.publicKey),
      head: { number: this.block, hash: ZERO, time: this.now() },
      heard: this.now(),
    };
  }

  private async institution(id: string): Promise<unknown> {
    const found = this.institutions.find((institution) => institution.id === id);
    if (!found) throw new Refused(404, "institution-unknown");
    const { name, country, status, agreementKey } = found;
    const actions = [await registration(this.domain, found)];
    return { id, name, country, status, agreement: { epoch: 1, key: toHex(agreementKey) }, actions };
  }

  private async device(id: string, part: string): Promise<unknown> {
    const found = this.institutions.find((i) => toHex(keyId(i.device.publicKey)) === id);
    if (!found) throw new Refused(404, "device-unknown");
    if (part === "certificate") return found.certificate;
    return {
      id,
      key: toHex(found.device.publicKey),
      institution: found.id,
      status: "active",
      rights: 3,
      notAfter: 1_900_000_000,
      certificate: toHex(certificateDigest(found.certificate)),
      approval: await approval(this.domain, found),
    };
  }

  private async putSectionKeys(patient: string, value: unknown, headers: Record<string, string>): Promise<unknown> {
    const body = value as SectionKeysBody;
    const key = fromHex(headers["wardkey-key"] ?? "", 65);
    if (!(await verifySectionKeys(key, this.domain, fromHex(patient, 32), body)))
      throw new Refused(400, "keys-unsigned");
    const known = this.patients.get(patient);
    if (known) known.sectionKeys = body;
    else this.patients.set(patient, { key, sectionKeys: body, events: [], entries: [] });
    return {};
  }

  private async grant(value: unknown, patient: string): Promise<unknown> {
    const body = value as Record<string, unknown> & {
      document: string;
      patientKey: string;
      signature: string;
      action: { type: string; message: { commitment: string; deadline: number }; signatures: string[]; keys: string[] };
    };
    const document = parseGrant(fromHex(body.document));
    const hex = toHex(commitment(document));
    const key = fromHex(body.patientKey, 65);
    const oneTime = point(document.keyX, document.keyY);
    const { message } = body.action;
    const action = { commitment: fromHex(hex, 32), deadline: message.deadline };
    const fits =
      toHex(document.patient) === patient &&
      message.commitment === hex &&
      body.action.keys[0] === toHex(oneTime) &&
      (await verify(key, this.domain, GRANT_DOCUMENT, document, fromHex(body.signature, 64))) &&
      (await verify(oneTime, this.domain, GRANT, action, fromHex(body.action.signatures[0] ?? "", 64)));
    if (!fits) throw new Refused(400, "grant-bad-signature");
    if (!this.grants.has(hex)) {
      const { sectionKeys, label } = body as unknown as StoredGrant;
      this.grants.set(hex, { document, hex: body.document, sectionKeys, label, state: "live" });
      this.block += 1;
    }
    return { commitment: hex, tx: "cd".repeat(32), block: this.block };
  }

  private async revoke(value: unknown): Promise<unknown> {
    const body = value as {
      type: string;
      message: { commitment: string; deadline: number };
      signatures: string[];
      keys: string[];
    };
    const grant = this.grants.get(body.message.commitment);
    const key = fromHex(body.keys[0] ?? "", 65);
    const { x } = coordinates(key);
    const message = { commitment: fromHex(body.message.commitment, 32), deadline: body.message.deadline };
    const signature = fromHex(body.signatures[0] ?? "", 64);
    const fits =
      body.type === "Revoke" &&
      grant &&
      toHex(grant.document.keyX) === toHex(x) &&
      (await verify(key, this.domain, REVOKE, message, signature));
    if (!fits) throw new Refused(400, "action-bad-signature");
    grant.state = "revoked";
    this.block += 1;
    return { tx: "ef".repeat(32), block: this.block, gas: 50_000, digest: ZERO };
  }

  private grantsOf(patient: string): unknown {
    return [...this.grants]
      .filter(([, grant]) => toHex(grant.document.patient) === patient)
      .map(([hex, grant]) => ({ commitment: hex, document: grant.hex, state: grant.state, block: this.block }));
  }

  private async readRecords(patient: string, target: string): Promise<unknown> {
    const asked = (new URLSearchParams(splitTarget(target).query).get("sections") ?? "").split(",").map(Number);
    const records = this.records.filter(({ header }) => header.patient === patient && asked.includes(header.section));
    return { records, log: [] };
  }

  private logOf(patientId: string, from: number): unknown {
    const { checkpoint } = this;
    const hashes = this.leaves.map((leaf) => leafHash(fromHex(leaf, 32)));
    const entries = (this.patients.get(patientId)?.entries ?? []).filter((entry) => entry.sequence >= from);
    const covered = hashes.slice(0, checkpoint?.size ?? 0);
    return {
      entries: entries.map((entry) =>
        entry.index < covered.length ? { ...entry, path: path(covered, entry.index).map(toHex) } : entry,
      ),
      checkpoint,
    };
  }
}

/** Every section, for grants that read all. */
export const ALL: Section[] = [...SECTIONS];
