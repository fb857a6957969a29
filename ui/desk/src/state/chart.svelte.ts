// The one chart that is open, the draft that belongs to it, how it ended, and how it comes back after a cover.
import { commands } from "../ipc";
import type { Chart, Notice, PatientRow } from "../model";
import { asNotice } from "../notice";
import { Action } from "./action.svelte";
import { TypedDraft } from "./draft.svelte";

/** What is remembered under the cover: nothing of the patient but the grant's id, and text only if it could not be kept. */
interface Covered {
  commitment: string;
  reason: string;
  writing: boolean;
  unsaved: TypedDraft | null;
}

interface Ended {
  name: string;
  notice: Notice | null;
  draft: TypedDraft | null;
}

class OpenChart {
  chart = $state.raw<Chart | null>(null);
  row = $state.raw<PatientRow | null>(null);
  draft = $state.raw<TypedDraft | null>(null);
  writing = $state(false);
  /** Closing was asked for, but what was typed could not be kept: the person decides. */
  held = $state(false);
  /** Why the chart was closed without being asked to, and what was being typed then. */
  ended = $state.raw<Ended | null>(null);
  readonly opening = new Action();
  #reason = "";
  /** By the device of the person whose work it is. */
  #covered = new Map<string, Covered>();

  async open(row: PatientRow, reason: string, unsaved: TypedDraft | null = null): Promise<boolean> {
    if (!this.ended?.draft) this.ended = null;
    return this.opening.run(async () => {
      const chart = await commands.openChart(row.commitment, reason);
      const draft = unsaved ?? new TypedDraft(commands, row.commitment);
      await this.#takeUp(draft);
      this.#reason = reason;
      this.draft = draft;
      this.row = row;
      this.chart = chart;
    });
  }

  /** Reads the open chart as it is now. One that is gone has ended, unless the terminal was locked or covered meanwhile. */
  async refresh(stillOpen: () => Promise<boolean>): Promise<void> {
    const before = this.chart?.commitment;
    if (before === undefined) return;
    let chart: Chart | null = null;
    let fault: Notice | null = null;
    try {
      chart = await commands.chart();
    } catch (cause) {
      fault = asNotice(cause);
    }
    if (this.chart?.commitment !== before) return;
    if (chart?.commitment === before) this.chart = chart;
    else if ((await stillOpen()) && this.chart?.commitment === before) this.#end(fault);
  }

  /** Follows the list of patients: a grant that is no longer live closes the chart. */
  checkAgainst(rows: readonly PatientRow[]): void {
    const row = this.chart && rows.find((known) => known.commitment === this.chart?.commitment);
    if (this.chart && row?.state !== "live") this.#end(null);
    else if (row) this.row = row;
  }

  /** Closes the chart, unless what was typed cannot be kept: then it stays, and says so. */
  async close(): Promise<void> {
    const draft = this.draft;
    const kept = (await draft?.flush()) ?? true;
    if (this.draft !== draft) return;
    if (kept) return this.discard();
    this.held = true;
    this.writing = true;
  }

  /** Closes the chart. What could not be kept is given up. */
  async discard(): Promise<void> {
    this.#shut();
    await commands.closeChart();
  }

  /** The card went: what was typed is kept first, then everything of the patient leaves the window. */
  cover(device: string): void {
    this.#leave(device, true);
  }

  /** Locked by hand: as under a cover, but only what could not be kept is remembered. */
  lock(device: string): void {
    this.#leave(device, false);
  }

  /** The same person is back: the same chart is read again for the same reason. Another person inherits nothing. */
  async comeBack(device: string, patients: () => Promise<PatientRow[]>): Promise<void> {
    const covered = this.#covered.get(device);
    this.#forget();
    if (!covered) return;
    let row: PatientRow | undefined;
    let fault: Notice | null = null;
    try {
      row = (await patients()).find((known) => known.commitment === covered.commitment);
    } catch (cause) {
      fault = asNotice(cause);
    }
    this.#covered.delete(device);
    const opened = row?.state === "live" && (await this.open(row, covered.reason, covered.unsaved));
    if (opened) this.writing ||= covered.writing;
    else if (covered.unsaved)
      this.ended = { name: row?.name ?? "", notice: fault ?? this.opening.fault, draft: covered.unsaved };
    else if (row) await this.showKept(row);
  }

  /** What was typed under an access that has ended is still its author's to read. */
  async showKept(row: PatientRow): Promise<void> {
    const draft = new TypedDraft(commands, row.commitment);
    await draft.load();
    if (row.state !== "live" && !draft.empty && !this.chart) this.ended = { name: row.name, notice: null, draft };
  }

  /** The text beside the message of an ended chart is given up, here and on the disk. */
  discardEnded(): void {
    const draft = this.ended?.draft;
    this.ended = null;
    void draft?.empties();
  }

  /** Takes up anew what the workstation keeps for this chart, e.g. a refused note that is to be written again. */
  async reload(commitment: string): Promise<void> {
    if (this.draft?.commitment === commitment) await this.#takeUp(this.draft);
  }

  /** Nothing of any patient stays, but what could not be kept stays for its author. */
  clear(): void {
    this.#shut();
    this.ended = null;
    this.#forget();
  }

  #shut(): void {
    this.chart = null;
    this.row = null;
    this.draft = null;
    this.writing = false;
    this.held = false;
    this.opening.fault = null;
    this.#reason = "";
  }

  #forget(): void {
    for (const [device, covered] of this.#covered) if (!covered.unsaved) this.#covered.delete(device);
  }

  #leave(device: string, comesBack: boolean): void {
    const { chart, writing } = this;
    const draft = this.draft ?? this.ended?.draft ?? null;
    const reason = this.#reason;
    const flushed = draft?.flush();
    this.clear();
    const commitment = chart?.commitment ?? draft?.commitment;
    if (commitment === undefined) return;
    const covered: Covered = { commitment, reason, writing, unsaved: draft };
    this.#covered.set(device, covered);
    void (flushed ?? Promise.resolve(true)).then((kept) => {
      if (!kept) return;
      covered.unsaved = null;
      if (!comesBack && this.#covered.get(device) === covered) this.#covered.delete(device);
    });
  }

  async #takeUp(draft: TypedDraft): Promise<void> {
    try {
      await draft.load();
    } catch {
      draft.status = "failed";
    }
    void draft.flush();
    this.writing = !draft.empty;
  }

  #end(notice: Notice | null): void {
    const name = this.chart?.patient.name ?? "";
    const draft = this.draft?.empty ? null : this.draft;
    void this.draft?.flush();
    this.#shut();
    this.ended = { name, notice, draft };
    void commands.closeChart().catch(() => undefined);
  }
}

export const openChart = new OpenChart();
