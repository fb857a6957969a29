/** Who has access: the patient's grants, each compared with what the phone signed. */
import { type GrantDocument, commitment, fromHex, parseGrant, toHex } from "@wardkey/shared/protocol";
import type { GrantState } from "../gateway/types.ts";
import type { StoredGrant } from "../vault/grant.ts";
import type { Session } from "./session.ts";

export interface Access {
  /** Hex. */
  commitment: string;
  document: GrantDocument;
  state: "live" | "revoked" | "expired";
  /** The registry's name. */
  institutionName: string;
  /** When it was given; unknown for a grant of another phone. */
  given: number | undefined;
}

function stateNow(session: Session, shown: GrantState["state"], document: GrantDocument): Access["state"] {
  return shown === "live" && session.now() >= document.expiry ? "expired" : shown;
}

async function nameOf(session: Session, document: GrantDocument, stored: StoredGrant | undefined): Promise<string> {
  try {
    return (await session.registry.institution(toHex(document.institution))).name;
  } catch {
    return stored?.institutionName ?? toHex(document.institution).slice(0, 8);
  }
}

/** Newest first, live ones before ended ones. A document whose commitment does not fit is left out. */
export async function listAccess(session: Session): Promise<Access[]> {
  const shown = await session.signed<GrantState[]>("GET", `/v1/patients/${session.myId}/grants`);
  const stored = new Map((await session.database.all<StoredGrant>("grants")).map((grant) => [grant.commitment, grant]));
  const list = await Promise.all(
    shown.map(async (grant): Promise<Access | undefined> => {
      const document = parseGrant(fromHex(grant.document, 384));
      if (toHex(commitment(document)) !== grant.commitment) return undefined;
      const own = stored.get(grant.commitment);
      return {
        commitment: grant.commitment,
        document,
        state: stateNow(session, grant.state, document),
        institutionName: await nameOf(session, document, own),
        given: own?.given,
      };
    }),
  );
  const rank = (access: Access): number => (access.state === "live" ? 1 : 0);
  return list
    .filter((access) => access !== undefined)
    .sort((a, b) => rank(b) - rank(a) || (b.given ?? b.document.notBefore) - (a.given ?? a.document.notBefore));
}
