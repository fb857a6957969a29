/** The patient's log: every line opened, chained, and compared with the gateway's promises and the chain (protocol §6). */
import { type Bytes, equal, fromHex, fromUtf8, toHex } from "./bytes.ts";
import type { Domain } from "./domain.ts";
import { hashStruct } from "./eip712.ts";
import { Fault } from "./fault.ts";
import { aad, open } from "./hpke.ts";
import { verify } from "./key.ts";
import { included, leafHash } from "./merkle.ts";
import { LOG_EVENT, RECEIPT } from "./types.ts";

/** An event as it was sealed: hex and numbers. */
export interface LogEvent {
  sequence: number;
  previous: string;
  /** 1 or `read`, 2 or `write`. */
  action: number | string;
  patient: string;
  institution: string;
  device: string;
  section: number;
  reason: string;
  subject: string;
  time: number;
  salt: string;
}

export interface Receipt {
  index: number;
  leaf: string;
  time: number;
  signature: string;
}

export interface LogEntry {
  sequence: number;
  index: number;
  leaf: string;
  enc: string;
  ct: string;
  receipt: Receipt;
  /** Siblings up to the checkpoint's root, when the checkpoint covers the entry. */
  path?: string[];
}

export interface Checkpoint {
  size: number;
  root: string;
  block: number;
}

/** Why a line is not to be believed. */
export type LogFault = "altered" | "missing" | "unpromised" | "not-in-log" | "overdue";

/** What was found out about a line. */
export type LogState = { verified: "yes" } | { verified: "waiting" } | { verified: "no"; fault: LogFault };

/** One line of the log; `event` is absent when it is missing or could not be opened. */
export interface LogLine {
  sequence: number;
  /** Number of the last missing line, when `fault` is `missing`. */
  through?: number;
  event?: LogEvent;
  state: LogState;
}

/** What the log is checked against. */
export interface LogGround {
  domain: Domain;
  patient: Bytes;
  gatewayKey: Bytes;
  /** Opens the events; newest epoch first. */
  logKeys: CryptoKeyPair[];
  /** Read from the contract; null before the first. */
  checkpoint: Checkpoint | null;
  /** How many lines this phone has seen before: fewer now is a missing line. */
  seen?: { count: number; last: string };
  /** Now, in seconds, and how long a line may wait for a checkpoint. */
  now: number;
  longestWait: number;
}

const ZERO = "0".repeat(64);

/** hashStruct of an event: the leaf's data. */
export function eventLeaf(event: LogEvent): Bytes {
  const id = (text: string): Bytes => fromHex(text, 32);
  const actions: Record<string, number> = { read: 1, write: 2 };
  return hashStruct(LOG_EVENT, {
    sequence: event.sequence,
    previous: id(event.previous),
    action: typeof event.action === "number" ? event.action : (actions[event.action] ?? 0),
    patient: id(event.patient),
    institution: id(event.institution),
    device: id(event.device),
    section: event.section,
    reason: event.reason,
    subject: id(event.subject),
    time: event.time,
    salt: id(event.salt),
  });
}

/** Whether the gateway signed the receipt and it is for this leaf and place. */
export async function receiptHolds(
  domain: Domain,
  gatewayKey: Bytes,
  receipt: Receipt,
  index: number,
  leaf: string,
): Promise<boolean> {
  if (receipt.index !== index || receipt.leaf !== leaf) return false;
  const message = { index, leaf: fromHex(leaf, 32), time: receipt.time };
  return verify(gatewayKey, domain, RECEIPT, message, fromHex(receipt.signature, 64));
}

async function openEvent(ground: LogGround, entry: LogEntry): Promise<LogEvent> {
  const associated = aad.event(ground.patient, fromHex(entry.leaf, 32));
  for (const key of ground.logKeys) {
    try {
      const plain = await open(key, ground.domain, "wardkey/event/1", associated, entry);
      return JSON.parse(fromUtf8(plain)) as LogEvent;
    } catch {
      // Sealed to another epoch of the log key, or altered: the next key tells.
    }
  }
  throw new Fault("log-altered", "the line cannot be opened");
}

function inclusion(ground: LogGround, entry: LogEntry): LogState {
  const { checkpoint } = ground;
  if (!checkpoint || entry.index >= checkpoint.size) {
    const late = ground.now - entry.receipt.time > ground.longestWait;
    return late ? { verified: "no", fault: "overdue" } : { verified: "waiting" };
  }
  const path = (entry.path ?? []).map((hash) => fromHex(hash, 32));
  const leaf = leafHash(fromHex(entry.leaf, 32));
  const holds = included(leaf, entry.index, checkpoint.size, path, fromHex(checkpoint.root, 32));
  return holds ? { verified: "yes" } : { verified: "no", fault: "not-in-log" };
}

/** Whether an event is the one its leaf stands for, at its place in this patient's chain. */
function inPlace(ground: LogGround, entry: LogEntry, event: LogEvent, previous: string | undefined): boolean {
  return (
    equal(eventLeaf(event), fromHex(entry.leaf, 32)) &&
    event.sequence === entry.sequence &&
    event.patient === toHex(ground.patient) &&
    (previous === undefined || event.previous === previous)
  );
}

/** Checks one entry that should follow `previous`. Anything malformed counts as altered. */
async function verifyEntry(ground: LogGround, entry: LogEntry, previous: string | undefined): Promise<LogLine> {
  const { sequence } = entry;
  let event: LogEvent | undefined;
  try {
    event = await openEvent(ground, entry);
    if (!inPlace(ground, entry, event, previous)) {
      return { sequence, event, state: { verified: "no", fault: "altered" } };
    }
    const { receipt, index, leaf } = entry;
    const promised = await receiptHolds(ground.domain, ground.gatewayKey, receipt, index, leaf);
    return { sequence, event, state: promised ? inclusion(ground, entry) : { verified: "no", fault: "unpromised" } };
  } catch {
    return { sequence, ...(event && { event }), state: { verified: "no", fault: "altered" } };
  }
}

/** The line that stands for entries the gateway did not show, from `sequence` to `through`. */
function missing(sequence: number, through: number): LogLine {
  return { sequence, through, state: { verified: "no", fault: "missing" } };
}

/** Checks the whole log, from number 0. Never throws for a bad line: the line says what is wrong with it. */
export async function verifyLog(ground: LogGround, entries: LogEntry[]): Promise<LogLine[]> {
  const sorted = [...new Map(entries.map((entry) => [entry.sequence, entry])).values()];
  sorted.sort((a, b) => a.sequence - b.sequence);
  const lines: LogLine[] = [];
  let next = 0;
  let previous: string | undefined = ZERO;
  for (const entry of sorted) {
    if (entry.sequence > next) {
      // The link of the line after a gap cannot be checked: its predecessor is what is missing.
      lines.push(missing(next, entry.sequence - 1));
      previous = undefined;
    }
    const line = await verifyEntry(ground, entry, previous);
    const { seen } = ground;
    const changed = seen && entry.sequence === seen.count - 1 && entry.leaf !== seen.last;
    lines.push(changed ? { ...line, state: { verified: "no", fault: "altered" } } : line);
    // An altered line is still linked by its leaf, which the receipt and the tree hold.
    previous = entry.leaf;
    next = entry.sequence + 1;
  }
  if (ground.seen && ground.seen.count > next) lines.push(missing(next, ground.seen.count - 1));
  return lines;
}
