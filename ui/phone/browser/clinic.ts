/** A clinic for tests against the real gateway: institution, one approved device, a session; all keys in memory. */
import {
  type Bytes,
  DELEGATION,
  type Delegation,
  type DeviceCertificate,
  type Domain,
  RECORD,
  type RecordHeader,
  SECTIONS,
  type Section,
  type Signer,
  certificateDigest,
  coordinates,
  delegationMessage,
  fromHex,
  headerDigest,
  keyId,
  newSigner,
  rawPublicKey,
  recordMessage,
  seal,
  sha256,
  sign,
  signRequest,
  splitTarget,
  struct,
  toHex,
  utf8,
} from "@wardkey/shared/protocol";
import type { Network } from "../src/gateway/types.ts";

const REGISTER = struct(
  "RegisterInstitution(bytes32 institution,string name,string country,bytes32 masterX,bytes32 masterY,bytes32 wrapX,bytes32 wrapY,bytes32 agreementX,bytes32 agreementY,uint64 deadline)",
);
const APPROVE = struct(
  "ApproveDevice(bytes32 institution,bytes32 deviceX,bytes32 deviceY,uint8 rights,uint64 notAfter,bytes32 certificate,uint32 masters,uint32 nonce,uint64 deadline)",
);
const REQUEST = struct("RequestDevice(bytes32 institution,bytes32 certificate,bytes32 challenge,uint64 deadline)");

const now = (): number => Math.floor(Date.now() / 1000);

/** Bytes as hex, as messages travel. */
function hexed(message: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(message).map(([name, value]) => [name, value instanceof Uint8Array ? toHex(value) : value]),
  );
}

export class Clinic {
  private constructor(
    private readonly origin: string,
    private readonly domain: Domain,
    private readonly gatewayKey: Bytes,
    readonly id: string,
    private readonly master: Signer,
    private readonly device: Signer,
    private readonly card: Signer,
    private readonly session: Signer,
  ) {}

  static async register(origin: string, network: Network, domain: Domain, name: string): Promise<Clinic> {
    const [master, device, card, session] = await Promise.all([newSigner(), newSigner(), newSigner(), newSigner()]);
    const pair = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, false, ["deriveBits"]);
    const [m, a] = [coordinates(master.publicKey), coordinates(await rawPublicKey(pair.publicKey))];
    const institution = keyId(master.publicKey);
    const key = fromHex(network.gateway, 65);
    const clinic = new Clinic(origin, domain, key, toHex(institution), master, device, card, session);
    const keys = { masterX: m.x, masterY: m.y, wrapX: a.x, wrapY: a.y, agreementX: a.x, agreementY: a.y };
    const message = { institution, name, country: "CH", ...keys, deadline: now() + 600 };
    const signatures = [toHex(await sign(master, domain, REGISTER, message))];
    await clinic.post("/v1/actions", { type: "RegisterInstitution", message: hexed(message), signatures });
    return clinic;
  }

  /** `POST` without a signature of its own. */
  private async post<T>(target: string, value: unknown): Promise<T> {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(this.origin + target, { method: "POST", headers, body: JSON.stringify(value) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${target}: ${text}`);
    return (text ? JSON.parse(text) : undefined) as T;
  }

  get deviceId(): string {
    return toHex(keyId(this.device.publicKey));
  }

  /** Requests and approves the doctor's device, and opens a session. */
  async employ(holder: string): Promise<void> {
    const certificate: DeviceCertificate = {
      institution: this.id,
      holder,
      role: "Doctor",
      card: "5000001",
      firmware: "5.7.1",
      device: toHex(this.device.publicKey),
      signature: toHex(this.card.publicKey),
      agreement: toHex(this.session.publicKey),
      evidence: toHex(sha256(new Uint8Array(16))),
    };
    const digest = certificateDigest(certificate);
    const { challenge } = await this.post<{ challenge: string }>("/v1/challenges", {});
    const institution = fromHex(this.id, 32);
    const deadline = now() + 600;
    const request = { institution, certificate: digest, challenge: fromHex(challenge, 32), deadline };
    const proof = toHex(await sign(this.device, this.domain, REQUEST, request));
    const attestation = { leaf9a: "", leaf9c: "", leaf9d: "", issuer: "" };
    await this.post("/v1/device-requests", { certificate, challenge, deadline, signature: proof, attestation });
    const { x, y } = coordinates(this.device.publicKey);
    const keys = { deviceX: x, deviceY: y, rights: 3, notAfter: now() + 86_400 };
    const approval = { institution, ...keys, certificate: digest, masters: 1, nonce: 0, deadline };
    const signatures = [toHex(await sign(this.master, this.domain, APPROVE, approval))];
    const possession = { message: hexed(request), signature: proof };
    await this.post("/v1/actions", { type: "ApproveDevice", message: hexed(approval), signatures, proof: possession });
    await this.post("/v1/sessions", await this.delegated());
  }

  private opened: { delegation: Delegation; signature: string; key: string } | undefined;

  private async delegated(): Promise<{ delegation: Delegation; signature: string; key: string }> {
    if (this.opened) return this.opened;
    const delegation: Delegation = {
      principal: this.deviceId,
      kind: "device",
      session: toHex(this.session.publicKey),
      audience: toHex(keyId(this.gatewayKey)),
      notBefore: now() - 5,
      expiry: now() + 800,
    };
    const signature = toHex(await sign(this.device, this.domain, DELEGATION, delegationMessage(delegation)));
    this.opened = { delegation, signature, key: toHex(this.device.publicKey) };
    return this.opened;
  }

  /** A request in the session, under a grant. */
  async ask(method: string, target: string, commitment: string, reason: string, value?: unknown): Promise<Response> {
    const headers = { "wardkey-permission": commitment, "wardkey-reason": encodeURIComponent(reason) };
    const body = value === undefined ? undefined : utf8(JSON.stringify(value));
    const parts = { method, ...splitTarget(target), headers, ...(body && { body }) };
    const keyid = `session:${toHex(keyId(this.session.publicKey))}`;
    const signature = await signRequest(parts, this.session, keyid, now(), crypto.getRandomValues(new Uint8Array(16)));
    const all = { ...headers, ...signature, "content-type": "application/json" };
    return fetch(this.origin + target, { method, headers: all, ...(body && { body }) });
  }

  /** Seals and signs a record; with the card's signature key, or in the session. */
  async record(patient: string, section: Section, key: string, resource: object, byCard: boolean): Promise<unknown> {
    const header: RecordHeader = {
      record: toHex(crypto.getRandomValues(new Uint8Array(32))),
      patient,
      section: SECTIONS.indexOf(section),
      epoch: 0,
      version: 1,
      institution: this.id,
      device: this.deviceId,
      time: now(),
      kind: (resource as { resourceType: string }).resourceType,
    };
    const plain = utf8(JSON.stringify(resource));
    const sealed = await seal(fromHex(key, 65), this.domain, "wardkey/record/1", headerDigest(header), plain);
    const signer = byCard ? this.card : this.session;
    const signature = toHex(await sign(signer, this.domain, RECORD, recordMessage({ header, ...sealed })));
    const { delegation, signature: delegationSignature, key: deviceKey } = await this.delegated();
    const inSession = { by: "session", delegation, delegationSignature, deviceKey, signature };
    return { header, ...sealed, author: byCard ? { by: "signature", signature } : inSession };
  }
}
