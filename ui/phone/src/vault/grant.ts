/** Grants given from this phone, each with its one-time key. */
import type { Signer } from "@wardkey/shared/protocol";
import type { Database } from "./database.ts";

export interface StoredGrant {
  /** Hex. */
  commitment: string;
  /** Canonical bytes, hex. */
  document: string;
  /** Grants and revokes this one grant on chain; cannot be read out. */
  oneTime: Signer;
  /** The registry's name when the grant was given. */
  institutionName: string;
  /** Seconds since 1970. */
  given: number;
  /** Set once the chain has the revocation. */
  revoked?: number;
}

export function saveGrant(database: Database, grant: StoredGrant): Promise<void> {
  return database.put([["grants", grant]]);
}

export function loadGrant(database: Database, commitment: string): Promise<StoredGrant | undefined> {
  return database.get<StoredGrant>("grants", commitment);
}
