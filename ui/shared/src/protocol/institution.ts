/**
 * What an institution is, proved by its own signatures (protocol §7): the actions that made it, played again from the
 * registration on. The same rule as `core/src/institution.rs`. The newest end of a history can be withheld.
 */
import { type Bytes, equal, fromHex } from "./bytes.ts";
import type { Domain } from "./domain.ts";
import type { Struct } from "./eip712.ts";
import { Fault } from "./fault.ts";
import { keyId, point, verify } from "./key.ts";
import { type Masters, changedMasters, firstMasters, mustSign, mustSignChange } from "./masters.ts";
import { APPROVE_DEVICE, REGISTER_INSTITUTION, ROTATE_AGREEMENT, SET_MASTERS } from "./types.ts";

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
  /** Every version of the list of master keys, oldest first; version 1 is the first. */
  masters: Masters[];
  /** Nonce of the next action. */
  next: number;
}

function unproved(what: string): Fault {
  return new Fault("institution-unproved", what);
}

/** The message with its hex fields as bytes. Throws `malformed`. */
function messageOf<M>(type: Struct<M>, message: Record<string, unknown>): M {
  const fields = type.members.map(([kind, name]) => {
    const value = message[name];
    const text = String(value).replace(/^0x/, "");
    if (kind === "bytes") return [name, fromHex(text)];
    return [name, kind === "bytes32" ? fromHex(text, 32) : value];
  });
  return Object.fromEntries(fields) as M;
}

/** Whether a key made a signature over the message. */
function over<M>(domain: Domain, type: Struct<M>, message: M): (key: Bytes, signature: string) => Promise<boolean> {
  return (key, signature) => verify(key, domain, type, message, fromHex(signature, 64));
}

/** The newest list of master keys. */
function newest(history: InstitutionHistory): Masters {
  const found = history.masters.at(-1);
  if (!found) throw unproved("no master key");
  return found;
}

async function registered(domain: Domain, id: Bytes, signed: SignedAction | undefined): Promise<InstitutionHistory> {
  if (signed?.type !== "RegisterInstitution") throw unproved("the registration is missing");
  const m = messageOf(REGISTER_INSTITUTION, signed.message);
  const masters = firstMasters(m);
  if (!equal(m.institution, id) || !equal(keyId(point(m.masterX, m.masterY)), id)) {
    throw unproved("another institution's registration");
  }
  await mustSign(masters, 1, signed.signatures, over(domain, REGISTER_INSTITUTION, m));
  const { name, country } = m;
  const agreement = point(m.agreementX, m.agreementY);
  return { id, name, country, agreement, epoch: 1, masters: [masters], next: 0 };
}

function mustFollow(history: InstitutionHistory, m: { institution: Bytes; nonce: number }): void {
  if (!equal(m.institution, history.id)) throw unproved("another institution's action");
  if (m.nonce !== history.next) throw unproved("not in order");
}

async function apply(domain: Domain, history: InstitutionHistory, signed: SignedAction): Promise<InstitutionHistory> {
  const [masters, next] = [newest(history), history.next + 1];
  if (signed.type === "RotateAgreement") {
    const m = messageOf(ROTATE_AGREEMENT, signed.message);
    mustFollow(history, m);
    if (m.epoch !== history.epoch + 1) throw unproved("an epoch is missing");
    await mustSign(masters, 1, signed.signatures, over(domain, ROTATE_AGREEMENT, m));
    return { ...history, epoch: m.epoch, agreement: point(m.agreementX, m.agreementY), next };
  }
  if (signed.type !== "SetMasters") throw unproved("not in order");
  const m = messageOf(SET_MASTERS, signed.message);
  mustFollow(history, m);
  const changed = changedMasters(m);
  await mustSignChange(masters, changed, signed.signatures, over(domain, SET_MASTERS, m));
  return { ...history, masters: [...history.masters, changed], next };
}

/** Whatever is wrong with a shape is one more reason not to believe it. */
async function believed<T>(code: string, check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    throw new Fault(code, error instanceof Error ? error.message : "malformed");
  }
}

/** Plays RegisterInstitution, RotateAgreement and SetMasters in their order on the chain. Throws `institution-unproved`. */
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

/** The approval, if enough master keys of the version that it names signed it for this device key. Throws `device-unproved`. */
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
    const masters = history.masters[m.masters - 1];
    if (!masters) throw unproved("the institution never had these master keys");
    await mustSign(masters, masters.threshold, signed.signatures, over(domain, APPROVE_DEVICE, m));
    return { rights: m.rights, notAfter: m.notAfter, certificate: m.certificate };
  });
}
