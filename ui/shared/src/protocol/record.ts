/** Records: header, sealed resource, author's signature (protocol §5). */
import { type Bytes, concat, equal, fromBase64Url, fromHex, sha256, toHex } from "./bytes.ts";
import type { Domain } from "./domain.ts";
import { type MessageOf, hashStruct } from "./eip712.ts";
import { Fault } from "./fault.ts";
import { open } from "./hpke.ts";
import type { SignedAction } from "./institution.ts";
import { coordinates, keyId, verify } from "./key.ts";
import { DELEGATION, DEVICE_CERTIFICATE, RECORD, RECORD_HEADER } from "./types.ts";

/** A record's header as it travels: hex and numbers. */
export interface RecordHeader {
  record: string;
  patient: string;
  section: number;
  epoch: number;
  version: number;
  institution: string;
  device: string;
  time: number;
  kind: string;
}

export interface Delegation {
  principal: string;
  /** 1 or `device`, 2 or `master`. */
  kind: number | string;
  session: string;
  audience: string;
  notBefore: number;
  expiry: number;
}

export type Author =
  | { by: "session"; delegation: Delegation; delegationSignature: string; deviceKey: string; signature: string }
  | { by: "signature"; signature: string };

export interface RecordEnvelope {
  header: RecordHeader;
  enc: string;
  ct: string;
  author: Author;
}

/** `GET /v1/devices/{id}`: what the contract says of a device. */
export interface Device {
  id: string;
  key: string;
  institution: string;
  status: "active" | "revoked" | "expired";
  rights: number;
  notAfter: number;
  certificate: string;
  /** The institution's signed approval, to be checked with `approvedDevice`. */
  approval?: SignedAction;
}

/** `GET /v1/devices/{id}/certificate`. */
export interface DeviceCertificate {
  institution: string;
  holder: string;
  role: string;
  card: string;
  firmware: string;
  device: string;
  signature: string;
  agreement: string;
  evidence: string;
}

/** The longest a delegation may hold, in seconds. */
const LONGEST_DELEGATION = 900;

function headerMessage(
  header: RecordHeader,
): MessageOf<"RecordHeader(bytes32 record,bytes32 patient,uint8 section,uint32 epoch,uint32 version,bytes32 institution,bytes32 device,uint64 time,string kind)"> {
  const id = (text: string): Bytes => fromHex(text, 32);
  return {
    ...header,
    record: id(header.record),
    patient: id(header.patient),
    institution: id(header.institution),
    device: id(header.device),
  };
}

/** hashStruct of the header: the associated data of the sealed resource. */
export function headerDigest(header: RecordHeader): Bytes {
  return hashStruct(RECORD_HEADER, headerMessage(header));
}

/** hashStruct of a certificate: what the contract keeps of it. */
export function certificateDigest(certificate: DeviceCertificate): Bytes {
  const device = coordinates(fromHex(certificate.device, 65));
  const signature = coordinates(fromHex(certificate.signature, 65));
  const agreement = coordinates(fromHex(certificate.agreement, 65));
  return hashStruct(DEVICE_CERTIFICATE, {
    institution: fromHex(certificate.institution, 32),
    holder: certificate.holder,
    role: certificate.role,
    card: certificate.card,
    firmware: certificate.firmware,
    deviceX: device.x,
    deviceY: device.y,
    signatureX: signature.x,
    signatureY: signature.y,
    agreementX: agreement.x,
    agreementY: agreement.y,
    evidence: fromHex(certificate.evidence, 32),
  });
}

/** Checks that a certificate is the one the contract names for this device. Throws `certificate-mismatch`. */
export function checkCertificate(certificate: DeviceCertificate, device: Device): void {
  const fits =
    toHex(certificateDigest(certificate)) === device.certificate &&
    certificate.institution === device.institution &&
    certificate.device === device.key;
  if (!fits) throw new Fault("certificate-mismatch", "not the certificate that the chain names");
}

/** What is signed: the header and the digest of the ciphertext. */
export function recordMessage(record: Pick<RecordEnvelope, "header" | "enc" | "ct">): { header: Bytes; body: Bytes } {
  const body = sha256(concat(fromBase64Url(record.enc), fromBase64Url(record.ct)));
  return { header: headerDigest(record.header), body };
}

/** The struct a device signs for a session, with the key the session then uses. */
export function delegationMessage(
  delegation: Delegation,
): MessageOf<"Delegation(bytes32 principal,uint8 kind,bytes32 sessionX,bytes32 sessionY,bytes32 audience,uint64 notBefore,uint64 expiry)"> {
  const { x, y } = coordinates(fromHex(delegation.session, 65));
  const kinds: Record<string, number> = { device: 1, master: 2 };
  return {
    principal: fromHex(delegation.principal, 32),
    kind: typeof delegation.kind === "number" ? delegation.kind : (kinds[delegation.kind] ?? 0),
    sessionX: x,
    sessionY: y,
    audience: fromHex(delegation.audience, 32),
    notBefore: delegation.notBefore,
    expiry: delegation.expiry,
  };
}

/** The session key, if the header's device delegated to it for the header's time. Throws `record-bad-delegation`. */
async function delegatedKey(
  domain: Domain,
  header: RecordHeader,
  author: Extract<Author, { by: "session" }>,
): Promise<Bytes> {
  const { delegation } = author;
  const message = delegationMessage(delegation);
  const deviceKey = fromHex(author.deviceKey, 65);
  const length = delegation.expiry - delegation.notBefore;
  const holds =
    message.kind === 1 &&
    delegation.principal === header.device &&
    equal(keyId(deviceKey), fromHex(header.device, 32)) &&
    header.time >= delegation.notBefore &&
    header.time < delegation.expiry &&
    length > 0 &&
    length <= LONGEST_DELEGATION &&
    (await verify(deviceKey, domain, DELEGATION, message, fromHex(author.delegationSignature, 64)));
  if (!holds) throw new Fault("record-bad-delegation", "signed in a session that its device did not open");
  return fromHex(delegation.session, 65);
}

/**
 * Checks who wrote a record: author's signature, delegation, the device's approval for the institution, and the
 * certificate when the card's signature key signed. Throws `record-…`, `certificate-mismatch`.
 */
export async function verifyRecord(
  domain: Domain,
  record: RecordEnvelope,
  device: Device,
  certificate: DeviceCertificate | undefined,
): Promise<void> {
  const { header, author } = record;
  if (device.id !== header.device || device.institution !== header.institution) {
    throw new Fault("record-other-institution", "the device was not approved for this institution");
  }
  let key: Bytes;
  if (author.by === "session") {
    key = await delegatedKey(domain, header, author);
  } else {
    if (!certificate) throw new Fault("record-no-certificate", "the signature key is not known");
    checkCertificate(certificate, device);
    key = fromHex(certificate.signature, 65);
  }
  if (!(await verify(key, domain, RECORD, recordMessage(record), fromHex(author.signature, 64)))) {
    throw new Fault("record-bad-signature", "altered, or signed by another");
  }
}

/** Opens the resource with the section's key. Throws `seal-cannot-open`. */
export function openRecord(domain: Domain, record: RecordEnvelope, sectionKey: CryptoKeyPair): Promise<Bytes> {
  return open(sectionKey, domain, "wardkey/record/1", headerDigest(record.header), record);
}
