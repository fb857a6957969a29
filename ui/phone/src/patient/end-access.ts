/** Ends an institution's access: one signature by the grant's one-time key, then new keys for what is written from now on. */
import { Fault, REVOKE, fromHex, parseGrant, sectionNumber, sectionsIn, sign, toHex } from "@wardkey/shared/protocol";
import type { SubmittedAction } from "../gateway/types.ts";
import { loadGrant, saveGrant } from "../vault/grant.ts";
import { nextEpoch } from "../vault/patient.ts";
import { listAccess } from "./list-access.ts";
import type { Session } from "./session.ts";

/** How long the chain may take the revocation, in seconds. */
const ACTION_LIFE = 3600;

/** Revokes on chain. Throws `grant-not-from-this-phone` when the one-time key is not here. */
export async function endAccess(session: Session, commitment: string): Promise<SubmittedAction> {
  const stored = await loadGrant(session.database, commitment);
  if (!stored) throw new Fault("grant-not-from-this-phone", "the one-time key is not on this phone");
  const message = { commitment: fromHex(commitment, 32), deadline: session.now() + ACTION_LIFE };
  const done = await session.client.post<SubmittedAction>("/v1/actions", {
    type: "Revoke",
    message: { commitment, deadline: message.deadline },
    signatures: [toHex(await sign(stored.oneTime, session.domain, REVOKE, message))],
    keys: [toHex(stored.oneTime.publicKey)],
  });
  await saveGrant(session.database, { ...stored, revoked: session.now() });
  return done;
}

/**
 * Moves the sections that only this grant opened to a new epoch. Sections that another live grant reads keep theirs: its
 * institution holds no newer key. May fail without harm; it is tried again with the next publication.
 */
export async function renewKeys(session: Session, commitment: string): Promise<void> {
  const stored = await loadGrant(session.database, commitment);
  if (!stored) return;
  const read = parseGrant(fromHex(stored.document)).read;
  const others = (await listAccess(session)).filter((access) => access.state === "live");
  const stillRead = others.reduce((mask, access) => mask | access.document.read, 0);
  const sections = sectionsIn(read & ~stillRead).map(sectionNumber);
  if (sections.length === 0) return;
  session.patient = await nextEpoch(session.database, session.me, sections);
  await session.publishKeys();
}
