// Everything the window may ask of the workstation. Each command has one permission in src-tauri/capabilities.
// A refused command rejects with a Notice. No command takes or returns a PIN.
import type {
  CardStatus,
  Chart,
  DeviceRequested,
  DeviceRow,
  DeviceUses,
  Draft,
  ImportPreview,
  ItView,
  KeyView,
  MastersView,
  OfferedMaster,
  OutboxRow,
  PatientRow,
  Prescription,
  Progress,
  ProposalRow,
  RequestRow,
  Snapshot,
  Topic,
  UnblockFound,
} from "./model";

export interface Commands {
  snapshot(): Promise<Snapshot>;
  signIn(): Promise<void>;
  lock(): Promise<void>;

  patients(): Promise<PatientRow[]>;
  openChart(commitment: string, reason: string): Promise<Chart>;
  /** The open chart as it is now, or null when it was closed (a revocation, a lock). Not a new read. */
  chart(): Promise<Chart | null>;
  closeChart(): Promise<void>;

  draft(commitment: string): Promise<Draft | null>;
  saveDraft(commitment: string, draft: Draft): Promise<void>;
  writeNote(commitment: string, text: string): Promise<void>;
  writePrescription(commitment: string, prescription: Prescription): Promise<void>;
  importPreview(commitment: string, bytesBase64: string): Promise<ImportPreview>;
  importConfirm(commitment: string): Promise<{ records: number }>;

  outbox(): Promise<OutboxRow[]>;
  retry(): Promise<void>;
  /** Makes a refused write a draft again. */
  writeAgain(record: string): Promise<void>;

  itCard(): Promise<ItView>;
  /** Makes the card in the reader the first IT card. */
  foundItCard(): Promise<void>;
  unlockItCard(): Promise<void>;
  /** Seals IT's secret to the card in the reader too. */
  addItCard(): Promise<void>;
  forgetItCard(): Promise<void>;
  /** The holder of the card in the reader chooses a new PIN; IT's card has unlocked it. */
  unblockCard(): Promise<void>;

  cardStatus(): Promise<CardStatus | null>;
  prepareCard(holder: string, role: string): Promise<void>;
  requestDevice(): Promise<DeviceRequested>;
  /** Asks IT to unblock the card in the reader; the words are in the snapshot. */
  askUnblock(): Promise<void>;
  cancelUnblock(): Promise<void>;
  findUnblock(words: string): Promise<UnblockFound>;
  answerUnblock(request: string): Promise<void>;
  /** A longer approval of the signed-in card; asks for no PIN. */
  requestRenewal(): Promise<DeviceRequested>;

  masterSignIn(): Promise<void>;
  prepareMaster(): Promise<void>;
  registerInstitution(name: string, country: string): Promise<void>;
  requests(): Promise<RequestRow[]>;
  approve(request: string, rights: number, notAfter: number): Promise<void>;
  refuse(request: string, reason: string): Promise<void>;
  devices(): Promise<DeviceRow[]>;
  revokeDevice(device: string, reason: string): Promise<void>;
  /** What a card read and wrote since a time (seconds since 1970). */
  deviceUses(device: string, since: number): Promise<DeviceUses>;
  setSuspension(device: string, suspended: boolean): Promise<void>;
  keyState(): Promise<KeyView>;
  moveKey(): Promise<void>;
  giveKey(): Promise<void>;
  masters(): Promise<MastersView>;
  /** The new card in the reader signs; `replaces` is the key whose place it takes. */
  offerMaster(replaces: string | null, threshold: number): Promise<OfferedMaster>;
  acceptMaster(): Promise<void>;
  changeMasters(remove: string | null, threshold: number): Promise<void>;
  proposals(): Promise<ProposalRow[]>;
  cosign(proposal: string): Promise<void>;
  withdraw(proposal: string, reason: string): Promise<void>;

  poster(): Promise<{ svg: string; link: string }>;
  savePoster(): Promise<{ pdf: string; png: string }>;
}

export interface Events {
  onChanged(heard: (topics: Topic[]) => void): Promise<void>;
  onProgress(heard: (progress: Progress) => void): Promise<void>;
}
