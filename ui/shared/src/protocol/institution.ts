/**
 * What an institution is, proved by its own signatures (protocol §7): the actions that made it, played again from the
 * registration on. The same rule as `core/src/institution.rs`. The newest end of a history can be withheld.
 */
import { type Bytes, equal, fromHex } from "./bytes.ts";
import type { Domain } from "./domain.ts";
import type { Struct } from "./eip712.ts";
import { Fault } from "./fault.ts";
import { keyId, point, verify } from "./key.ts";
import { APPROVE_DEVICE, REGISTER_INSTITUTION, ROTATE_AGREEMENT, ROTATE_MASTER } from "./types.ts";

/** A signed action as the chain keeps it: hex (with or without `0x`), numbers and text. */
export interface SignedAction {
  type: string;
  message: Record<string, unknown>;
  signatures: string[];
}

/** An institution as its signed actions make it. */
export interface InstitutionHistory {
  /** 32 bytes. */
  id: Bytes;
  name: string;
  country: string;
  /** Newest agreement key, 65 bytes, and its epoch. */
  agreement: Bytes;
  epoch: number;
  /** Master keys with the nonce from which each signs, oldest first. */
  masters: { from: number; key: Bytes }[];
  /** Smallest nonce that the next action may have. */
  next: number;
}

function unproved(what: string): Fault {
  return new Fault("institution-unproved", what);
}

/** The message with its hex fields as bytes. Throws `malformed`. */
function messageOf<M>(type: Struct<M>, message: Record<string, unknown>): M {
  const fields = type.members.map(([kind, name]) => {
    const value = message[name];
    return [name, kind === "bytes32" ? fromHex(String(value).replace(/^0x/, ""), 32) : value];
  });
  return Object.fromEntries(fields) as M;
}

/** Throws unless exactly these keys signed, in this order. */
async function mustHold<M>(
  domain: Domain,
  type: Struct<M>,
  message: M,
  signatures: string[],
  keys: Bytes[],
): Promise<void> {
  if (signatures.length !== keys.length) throw unproved("a signature is missing");
  for (const [i, key] of keys.entries()) {
    const signature = fromHex(signatures[i] ?? "", 64);
    if (!(await verify(key, domain, type, message, signature))) throw unproved("not signed by the master key");
  }
}

/** The master key that signs the action with this nonce. */
function masterAt(history: InstitutionHistory, nonce: number): Bytes {
  const found = history.masters.findLast(({ from }) => from <= nonce);
  if (!found) throw unproved("no master key");
  return found.key;
}

async function registered(domain: Domain, id: Bytes, signed: SignedAction | undefined): Promise<InstitutionHistory> {
  if (signed?.type !== "RegisterInstitution") throw unproved("the registration is missing");
  const m = messageOf(REGISTER_INSTITUTION, signed.message);
  const master = point(m.masterX, m.masterY);
  if (!equal(m.institution, id) || !equal(keyId(master), id)) throw unproved("another institution's registration");
  await mustHold(domain, REGISTER_INSTITUTION, m, signed.signatures, [master]);
  const { name, country } = m;
  const agreement = point(m.agreementX, m.agreementY);
  return { id, name, country, agreement, epoch: 1, masters: [{ from: 0, key: master }], next: 0 };
}

function mustFollow(history: InstitutionHistory, m: { institution: Bytes; nonce: number }): void {
  if (!equal(m.institution, history.id)) throw unproved("another institution's action");
  if (m.nonce < history.next) throw unproved("not in order");
}

async function apply(domain: Domain, history: InstitutionHistory, signed: SignedAction): Promise<InstitutionHistory> {
  const master = masterAt(history, Number.MAX_SAFE_INTEGER);
  if (signed.type === "RotateAgreement") {
    const m = messageOf(ROTATE_AGREEMENT, signed.message);
    mustFollow(history, m);
    if (m.epoch !== history.epoch + 1) throw unproved("an epoch is missing");
    await mustHold(domain, ROTATE_AGREEMENT, m, signed.signatures, [master]);
    return { ...history, epoch: m.epoch, agreement: point(m.agreementX, m.agreementY), next: m.nonce + 1 };
  }
  if (signed.type !== "RotateMaster") throw unproved("not in order");
  const m = messageOf(ROTATE_MASTER, signed.message);
  mustFollow(history, m);
  const key = point(m.masterX, m.masterY);
  await mustHold(domain, ROTATE_MASTER, m, signed.signatures, [master, key]);
  const next = m.nonce + 1;
  return { ...history, masters: [...history.masters, { from: next, key }], next };
}

/** Whatever is wrong with a shape is one more reason not to believe it. */
async function believed<T>(code: string, check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    throw new Fault(code, error instanceof Error ? error.message : "malformed");
  }
}

/** Plays RegisterInstitution, RotateAgreement and RotateMaster in their order on the chain. Throws `institution-unproved`. */
export function replayInstitution(domain: Domain, id: string, actions: SignedAction[]): Promise<InstitutionHistory> {
  return believed("institution-unproved", async () => {
    const [first, ...later] = actions;
    let history = await registered(domain, fromHex(id, 32), first);
    for (const action of later) history = await apply(domain, history, action);
    return history;
  });
}

/** What an approval says of a device. */
export interface Approval {
  rights: number;
  notAfter: number;
  /** Digest of the certificate. */
  certificate: Bytes;
}

/** The approval, if the institution's master key of its time signed it for this device key. Throws `device-unproved`. */
export function approvedDevice(
  domain: Domain,
  history: InstitutionHistory,
  deviceKey: Bytes,
  signed: SignedAction | undefined,
): Promise<Approval> {
  return believed("device-unproved", async () => {
    if (signed?.type !== "ApproveDevice") throw unproved("no approval");
    const m = messageOf(APPROVE_DEVICE, signed.message);
    const fits = equal(m.institution, history.id) && equal(point(m.deviceX, m.deviceY), deviceKey);
    if (!fits) throw unproved("the approval is for another card or by another institution");
    await mustHold(domain, APPROVE_DEVICE, m, signed.signatures, [masterAt(history, m.nonce)]);
    return { rights: m.rights, notAfter: m.notAfter, certificate: m.certificate };
  });
}
