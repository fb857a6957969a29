/** Bodies of the gateway's answers (protocol §7). */
import type { Checkpoint, LogEntry, Receipt, RecordEnvelope, SignedAction } from "@wardkey/shared/protocol";

export interface Network {
  name: string;
  chainId: number;
  contract: string;
  salt: string;
  operator: string;
  /** The gateway's public key. */
  gateway: string;
}

/** Name and keys are taken from the signed actions only; see `Registry`. */
export interface InstitutionAnswer {
  status: "registered" | "accredited" | "suspended";
  actions?: SignedAction[];
}

/** An institution, proved by its own signatures but for its status, which the gateway says. */
export interface Institution {
  id: string;
  name: string;
  country: string;
  status: "registered" | "accredited" | "suspended";
  agreement: { epoch: number; key: string };
}

export interface GrantState {
  commitment: string;
  /** Canonical bytes, hex. */
  document: string;
  state: "live" | "revoked" | "expired";
}

export interface SubmittedAction {
  tx: string;
  block: number;
}

export interface RecordsAnswer {
  records: RecordEnvelope[];
  log: { section: number; index: number; leaf: string; size: number; root: string; path: string[]; receipt: Receipt }[];
}

export interface LogAnswer {
  entries: LogEntry[];
  checkpoint: Checkpoint | null;
}
