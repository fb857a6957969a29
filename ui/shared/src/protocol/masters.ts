/** An institution's master keys: one to five in order, and how many must sign. The same rule as `core/src/masters.rs`. */
import { type Bytes, equal } from "./bytes.ts";
import { Fault } from "./fault.ts";
import { point } from "./key.ts";
import type { MessageOf } from "./eip712.ts";

/** Most master keys of one institution. */
const MOST = 5;
/** Bytes of one key in `SetMasters.keys`: `X‖Y‖wrapX‖wrapY`. */
const ENTRY = 128;

/** One version of the list: 65-byte keys, and the agreement key beside each. */
export interface Masters {
  keys: { key: Bytes; wrap: Bytes }[];
  threshold: number;
}

/** Whether a key made this signature (hex). */
export type Verifies = (key: Bytes, signature: string) => Promise<boolean>;

function refused(what: string): Fault {
  return new Fault("institution-unproved", what);
}

function listOf(keys: Masters["keys"], threshold: number): Masters {
  const xs = keys.map(({ key }) => key.slice(1, 33));
  const twice = xs.some((x, i) => xs.slice(0, i).some((before) => equal(before, x)));
  if (keys.length === 0 || keys.length > MOST || twice) throw refused("not one to five different master keys");
  const most = keys.length === 1 ? 1 : keys.length - 1;
  if (!Number.isInteger(threshold) || threshold < 1 || threshold > most) throw refused("not a possible threshold");
  return { keys, threshold };
}

type Registration = MessageOf<"R(bytes32 masterX,bytes32 masterY,bytes32 wrapX,bytes32 wrapY)">;

/** The list at registration. Throws if a key is none. */
export function firstMasters(m: Registration): Masters {
  return listOf([{ key: point(m.masterX, m.masterY), wrap: point(m.wrapX, m.wrapY) }], 1);
}

/** The list of a SetMasters. Throws if it is none. */
export function changedMasters(m: { keys: Bytes; threshold: number }): Masters {
  if (m.keys.length % ENTRY !== 0) throw refused("half a master key");
  const entries = Array.from({ length: m.keys.length / ENTRY }, (_, n) => m.keys.slice(n * ENTRY, (n + 1) * ENTRY));
  const keys = entries.map((e) => ({
    key: point(e.slice(0, 32), e.slice(32, 64)),
    wrap: point(e.slice(64, 96), e.slice(96)),
  }));
  return listOf(keys, m.threshold);
}

/** Throws unless there are `needed` signatures, each by a later key of the list than the one before. */
export async function mustSign(
  masters: Masters,
  needed: number,
  signatures: string[],
  verifies: Verifies,
): Promise<void> {
  if (signatures.length !== needed) throw refused(`${signatures.length} signatures, ${needed} are needed`);
  const later = [...masters.keys];
  for (const signature of signatures) {
    let found = false;
    while (!found) {
      const next = later.shift();
      if (!next) throw refused("not signed by the master keys, in the list's order");
      found = await verifies(next.key, signature);
    }
  }
}

/** Throws unless the threshold's number of current masters signed the change, and then every new key. */
export async function mustSignChange(
  current: Masters,
  changed: Masters,
  signatures: string[],
  verifies: Verifies,
): Promise<void> {
  const added = changed.keys.filter(({ key }) => !current.keys.some((old) => equal(old.key, key)));
  const needed = current.threshold + added.length;
  if (signatures.length !== needed) throw refused(`${signatures.length} signatures, ${needed} are needed`);
  await mustSign(current, current.threshold, signatures.slice(0, current.threshold), verifies);
  for (const [i, { key }] of added.entries()) {
    const signature = signatures[current.threshold + i] ?? "";
    if (!(await verifies(key, signature))) throw refused("a new master key did not sign");
  }
}
