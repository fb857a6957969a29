/** Checks what a poster claims against this network and the registry, before anything is asked of the patient. */
import { Fault, type Poster, parsePoster, sameName } from "@wardkey/shared/protocol";
import type { Institution } from "../gateway/types.ts";
import type { Session } from "./session.ts";

export type PosterFault =
  | "poster-unreadable"
  | "poster-version"
  | "poster-other-network"
  | "poster-name-forged"
  | "institution-unknown"
  | "institution-suspended"
  | "institution-not-accredited";

/** Either an institution that may be granted to, or the reason to stop. `institution` is the registry's entry, if there is one. */
export type PosterCheck =
  | { ok: true; institution: Institution }
  | { ok: false; fault: PosterFault; institution?: Institution; claimed?: string };

function read(link: string): Poster | PosterFault {
  try {
    return parsePoster(link);
  } catch (error) {
    return error instanceof Fault && error.code === "poster-version" ? "poster-version" : "poster-unreadable";
  }
}

/** Throws only when the gateway cannot be asked. */
export async function checkPoster(session: Session, link: string): Promise<PosterCheck> {
  const poster = read(link);
  if (typeof poster === "string") return { ok: false, fault: poster };
  const { network } = session;
  if (poster.chainId !== network.chainId || poster.contract !== network.contract) {
    return { ok: false, fault: "poster-other-network" };
  }
  let institution: Institution;
  try {
    institution = await session.registry.freshInstitution(poster.institution);
  } catch (error) {
    if (error instanceof Fault && error.code === "institution-unknown")
      return { ok: false, fault: "institution-unknown" };
    throw error;
  }
  if (institution.status === "suspended") return { ok: false, fault: "institution-suspended", institution };
  if (institution.status !== "accredited") return { ok: false, fault: "institution-not-accredited", institution };
  if (!sameName(institution.name, poster.name)) {
    return { ok: false, fault: "poster-name-forged", institution, claimed: poster.name };
  }
  return { ok: true, institution };
}
