/** The patient's own records, opened and checked. */
import {
  Fault,
  type RecordEnvelope,
  SECTIONS,
  fromHex,
  fromUtf8,
  included,
  leafHash,
  openRecord,
  receiptHolds,
  sectionNumber,
  verifyRecord,
} from "@wardkey/shared/protocol";
import { finder, namedMedications, resourceOf } from "../fhir/resources.ts";
import { type Find, type Summary, summarise } from "../fhir/summary.ts";
import type { RecordsAnswer } from "../gateway/types.ts";
import { sectionKeys } from "../vault/patient.ts";
import type { StoredSectionKey } from "../vault/section-key.ts";
import type { Session } from "./session.ts";

export interface ReadRecord {
  /** Hex. */
  id: string;
  section: number;
  version: number;
  time: number;
  kind: string;
  institutionName: string;
  /** From the device certificate; undefined when it could not be proved. */
  author: { holder: string; role: string } | undefined;
  /** Signed with the card's signature key and its PIN. */
  signedByCard: boolean;
  /** `yes`, or the code of the check that failed. */
  verified: "yes" | string;
  /** Undefined when it could not be opened. */
  summary: Summary | undefined;
}

/** Checks the gateway's promises about this very reading. */
async function checkPromises(session: Session, answer: RecordsAnswer): Promise<void> {
  const gatewayKey = fromHex(session.network.gateway, 65);
  for (const entry of answer.log) {
    const leaf = leafHash(fromHex(entry.leaf, 32));
    const path = entry.path.map((hash) => fromHex(hash, 32));
    const holds =
      (await receiptHolds(session.domain, gatewayKey, entry.receipt, entry.index, entry.leaf)) &&
      included(leaf, entry.index, entry.size, path, fromHex(entry.root, 32));
    if (!holds) throw new Fault("log-not-included", "the reading is not in the log as promised");
  }
}

async function check(session: Session, record: RecordEnvelope): Promise<string> {
  try {
    if (record.header.patient !== session.myId) throw new Fault("record-misplaced", "belongs to another patient");
    const device = await session.registry.device(record.header.device);
    const bySignatureKey = record.author.by === "signature";
    const certificate = bySignatureKey ? (await session.registry.person(device.id)).certificate : undefined;
    await verifyRecord(session.domain, record, device, certificate);
    return "yes";
  } catch (error) {
    return error instanceof Fault ? error.code : "record-malformed";
  }
}

/** The record's content; undefined when it cannot be opened. */
async function open(session: Session, record: RecordEnvelope, keys: StoredSectionKey[]): Promise<unknown> {
  const { section, epoch } = record.header;
  const key = keys.find((k) => k.section === section && k.epoch === epoch);
  if (!key) return undefined;
  try {
    return JSON.parse(fromUtf8(await openRecord(session.domain, record, key.pair)));
  } catch {
    return undefined;
  }
}

async function read(session: Session, record: RecordEnvelope, opened: unknown, find: Find): Promise<ReadRecord> {
  const { header } = record;
  const summary = opened === undefined ? undefined : summarise(resourceOf(opened), find);
  const checked = await check(session, record);
  const institution = await session.registry.institution(header.institution).catch(() => undefined);
  const person = await session.registry.person(header.device).catch(() => undefined);
  return {
    id: header.record,
    section: header.section,
    version: header.version,
    time: header.time,
    kind: header.kind,
    institutionName: institution?.name ?? header.institution.slice(0, 8),
    author: person && { holder: person.certificate.holder, role: person.certificate.role },
    signedByCard: record.author.by === "signature",
    verified: summary || checked !== "yes" ? checked : "seal-cannot-open",
    summary,
  };
}

/** The newest version of each record, newest first. A medication that another entry names is part of that entry. */
export async function readRecords(session: Session): Promise<ReadRecord[]> {
  const sections = SECTIONS.map(sectionNumber).join(",");
  const answer = await session.signed<RecordsAnswer>(
    "GET",
    `/v1/patients/${session.myId}/records?sections=${sections}`,
  );
  await checkPromises(session, answer);
  const keys = await sectionKeys(session.database);
  const newest = new Map<string, RecordEnvelope>();
  for (const record of answer.records) {
    const known = newest.get(record.header.record);
    if (!known || known.header.version < record.header.version) newest.set(record.header.record, record);
  }
  const envelopes = [...newest.values()];
  const opened = await Promise.all(envelopes.map((record) => open(session, record, keys)));
  const find = finder(opened);
  const named = namedMedications(opened, find);
  const records = await Promise.all(envelopes.map((record, i) => read(session, record, opened[i], find)));
  return records
    .filter((record, i) => record.verified !== "yes" || !named.has(resourceOf(opened[i])))
    .sort((a, b) => b.time - a.time);
}
