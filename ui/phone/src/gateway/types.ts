/** Bodies of the gateway's answers (protocol §7). */
import type { Checkpoint, LogEntry, Receipt, RecordEnvelope } from "@wardkey/shared/protocol";

export interface Network {
  name: string;
  chainId: number;
  contract: string;
  salt: string;
  operator: string;
  /** The gateway's public key. */
  gateway: string;
}

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
