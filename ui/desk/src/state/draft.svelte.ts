// What is being typed for one patient. Every input is kept by the workstation soon after it was typed.
import type { Draft } from "../model";

export const DRAFT_DELAY_MS = 300;
export const EMPTY_FIELDS = { medication: "", dose: "", quantity: "", reason: "" };

export interface DraftStore {
  draft(commitment: string): Promise<Draft | null>;
  saveDraft(commitment: string, draft: Draft): Promise<void>;
}

/** Everything that was typed, as plain text. */
export function wordsOf({ text, fields }: Pick<Draft, "text" | "fields">): string {
  return [text, ...Object.values(fields)].filter((part) => part !== "").join("\n");
}

export class TypedDraft {
  kind = $state<Draft["kind"]>("note");
  text = $state("");
  fields = $state({ ...EMPTY_FIELDS });
  status = $state<"none" | "pending" | "saved" | "failed">("none");
  readonly commitment: string;
  #store: DraftStore;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dirty = false;
  #saving: Promise<void> | null = null;

  constructor(store: DraftStore, commitment: string) {
    this.#store = store;
    this.commitment = commitment;
  }

  /** Takes up what was typed before, on this terminal or another; what is typed already wins. */
  async load(): Promise<void> {
    const found = await this.#store.draft(this.commitment);
    if (!found || this.#dirty) return;
    this.kind = found.kind;
    this.text = found.text;
    this.fields = { ...EMPTY_FIELDS, ...found.fields };
    this.status = "saved";
  }

  /** To be called at every input. */
  touch(): void {
    this.#dirty = true;
    this.status = "pending";
    if (this.#timer === undefined) this.#timer = setTimeout(() => void this.flush(), DRAFT_DELAY_MS);
  }

  /** Saves now what is not saved yet; true if all of it is kept. Never throws: what could not be saved stays typed and is tried again. */
  async flush(): Promise<boolean> {
    do {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      if (this.#saving) await this.#saving;
      if (!this.#dirty) return true;
      this.#saving = this.#save();
      await this.#saving;
      this.#saving = null;
    } while (this.status !== "failed");
    return false;
  }

  /** Gives up what was typed, also on the disk. */
  async empties(): Promise<void> {
    this.text = "";
    this.fields = { ...EMPTY_FIELDS };
    this.touch();
    await this.flush();
  }

  get empty(): boolean {
    return this.text === "" && Object.values(this.fields).every((field) => field === "");
  }

  /** For the clipboard. */
  get words(): string {
    return wordsOf(this);
  }

  async #save(): Promise<void> {
    this.#dirty = false;
    const draft: Draft = { kind: this.kind, text: this.text, fields: { ...this.fields } };
    try {
      await this.#store.saveDraft(this.commitment, draft);
      if (!this.#dirty) this.status = "saved";
    } catch {
      this.#dirty = true;
      this.status = "failed";
    }
  }
}
