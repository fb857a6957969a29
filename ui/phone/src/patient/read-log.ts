/** The patient's log: fetched whole, every line checked, names put to the devices. */
import {
  type Checkpoint,
  Fault,
  LOG_SECTION,
  type LogEntry,
  type LogLine,
  fromHex,
  verifyLog,
} from "@wardkey/shared/protocol";
import { Refusal } from "../gateway/client.ts";
import type { LogAnswer } from "../gateway/types.ts";
import { sectionKeys } from "../vault/patient.ts";
import type { Session } from "./session.ts";

/** Who acted. `self` is the patient; a person is proved by the certificate on chain. */
export type Actor =
  | { kind: "self" }
  | { kind: "person"; holder: string; role: string; institutionName: string }
  | { kind: "unproved"; institutionName: string };

export interface LogGroup {
  actor: Actor | undefined;
  action: "read" | "write" | undefined;
  reason: string;
  time: number | undefined;
  lines: LogLine[];
}

export interface CheckedLog {
  /** Newest first. */
  groups: LogGroup[];
  /** The operator's signed roots contradict each other: then no line can be believed. */
  conflict: boolean;
  checkpoint: Checkpoint | null;
}

/** A line may wait this long for a checkpoint before it counts as broken, in seconds. */
const LONGEST_WAIT = 24 * 3600;

interface LogMemory {
  name: "log";
  count: number;
  last: string;
  checkpoint: Checkpoint | null;
}

async function onChain(session: Session): Promise<Checkpoint | null> {
  try {
    return await session.client.get<Checkpoint>("/v1/checkpoints/latest");
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return null;
    throw error;
  }
}

/** Whether a later look at the checkpoints fits an earlier one: the size never falls, one size has one root. */
export function follows(earlier: Checkpoint | null | undefined, later: Checkpoint | null): boolean {
  if (!earlier) return true;
  if (!later) return false;
  return later.size > earlier.size || (later.size === earlier.size && later.root === earlier.root);
}

/** Asks for pages until one is empty; an answer that does not move on ends it. */
async function fetchEntries(session: Session): Promise<LogAnswer> {
  const entries: LogEntry[] = [];
  let checkpoint: Checkpoint | null = null;
  for (let from = 0; ;) {
    const page = await session.signed<LogAnswer>("GET", `/v1/patients/${session.myId}/log?from=${from}`);
    // Paths of earlier pages are for their own checkpoint: begin again when it moved in between.
    if (from > 0 && page.entries.length > 0 && page.checkpoint?.size !== checkpoint?.size) {
      entries.length = 0;
      from = 0;
      checkpoint = null;
      continue;
    }
    if (from === 0) checkpoint = page.checkpoint;
    entries.push(...page.entries);
    const next = Math.max(from, ...page.entries.map((entry) => entry.sequence + 1));
    if (page.entries.length === 0 || next === from) return { entries, checkpoint };
    from = next;
  }
}

async function actorOf(session: Session, line: LogLine): Promise<Actor | undefined> {
  if (!line.event) return undefined;
  if (/^0+$/.test(line.event.device)) return { kind: "self" };
  const institution = await session.registry.institution(line.event.institution).catch(() => undefined);
  const institutionName = institution?.name ?? line.event.institution.slice(0, 8);
  const person = await session.registry.person(line.event.device).catch(() => undefined);
  if (!person || person.device.institution !== line.event.institution) return { kind: "unproved", institutionName };
  return { kind: "person", holder: person.certificate.holder, role: person.certificate.role, institutionName };
}

function actionOf(line: LogLine): LogGroup["action"] {
  if (!line.event) return undefined;
  return line.event.action === 1 || line.event.action === "read" ? "read" : "write";
}

/** Lines of one act (same device, deed, reason, within a minute) stand together. */
function belongs(group: LogGroup | undefined, line: LogLine): boolean {
  const first = group?.lines[0]?.event;
  const { event } = line;
  if (!first || !event) return false;
  const sameAct = first.device === event.device && first.action === event.action && first.reason === event.reason;
  return sameAct && Math.abs(first.time - event.time) < 60;
}

async function grouped(session: Session, lines: LogLine[]): Promise<LogGroup[]> {
  const groups: LogGroup[] = [];
  for (const line of lines) {
    const last = groups.at(-1);
    if (last && belongs(last, line)) {
      last.lines.push(line);
      continue;
    }
    groups.push({
      actor: await actorOf(session, line),
      action: actionOf(line),
      reason: line.event?.reason ?? "",
      time: line.event?.time,
      lines: [line],
    });
  }
  return groups.reverse();
}

/** Throws only when the gateway cannot be asked; what is wrong with the log is in the lines. */
export async function readLog(session: Session): Promise<CheckedLog> {
  const memory = await session.database.get<LogMemory>("memory", "log");
  const { entries, checkpoint } = await fetchEntries(session);
  // Without lines and without anything seen before there is nothing to hold against the chain.
  const asked = entries.length > 0 || checkpoint !== null || Boolean(memory?.checkpoint);
  const chain = asked ? await onChain(session) : null;
  const conflict = !follows(memory?.checkpoint, chain) || !follows(checkpoint, chain);
  const keys = (await sectionKeys(session.database)).filter((key) => key.section === LOG_SECTION).reverse();
  if (keys.length === 0) throw new Fault("not-enrolled", "no log key on this phone");
  const lines = await verifyLog(
    {
      domain: session.domain,
      patient: session.me.patientId,
      gatewayKey: fromHex(session.network.gateway, 65),
      logKeys: keys.map((key) => key.pair),
      checkpoint,
      ...(memory && memory.count > 0 && { seen: { count: memory.count, last: memory.last } }),
      now: session.now(),
      longestWait: LONGEST_WAIT,
    },
    entries,
  );
  const last = entries.at(-1);
  const whole = !conflict && lines.every((line) => line.state.verified !== "no");
  if (whole && last) {
    const seen: LogMemory = { name: "log", count: last.sequence + 1, last: last.leaf, checkpoint: chain };
    await session.database.put([["memory", seen]]);
  }
  return { groups: await grouped(session, lines), conflict, checkpoint };
}
