// The one chart that is open, the draft that belongs to it, how it ended, and how it comes back after a cover.
import { commands } from "../ipc";
import type { Chart, Notice, PatientRow } from "../model";
import { asNotice } from "../notice";
import { Action } from "./action.svelte";
import { TypedDraft } from "./draft.svelte";

/** What is remembered under the cover: nothing of the patient but the grant's id, and text only if it could not be kept. */
interface Covered {
  device: string;
  commitment: string;
  reason: string;
  writing: boolean;
  unsaved: TypedDraft | null;
}

class OpenChart {
  chart = $state.raw<Chart | null>(null);
  row = $state.raw<PatientRow | null>(null);
  draft = $state.raw<TypedDraft | null>(null);
  writing = $state(false);
  /** Why the chart was closed without being asked to. */
  ended = $state.raw<{ name: string; notice: Notice | null } | null>(null);
  readonly opening = new Action();
  #reason = "";
  #covered: Covered | null = null;

  async open(row: PatientRow, reason: string, unsaved: TypedDraft | null = null): Promise<boolean> {
    this.ended = null;
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

  async close(): Promise<void> {
    await this.draft?.flush();
    this.clear();
    await commands.closeChart();
  }

  /** The card went: what was typed is kept first, then everything of the patient leaves the window. */
  cover(device: string): void {
    const { chart, draft, writing } = this;
    const reason = this.#reason;
    const flushed = draft?.flush();
    this.clear();
    if (!chart) return;
    const covered: Covered = { device, commitment: chart.commitment, reason, writing, unsaved: draft };
    this.#covered = covered;
    void flushed?.then(() => {
      if (draft?.status !== "failed") covered.unsaved = null;
    });
  }

  /** The same person is back: the same chart is read again for the same reason. Another person inherits nothing. */
  async comeBack(device: string, patients: () => Promise<PatientRow[]>): Promise<void> {
    const covered = this.#covered;
    this.#covered = null;
    if (covered?.device !== device) return;
    const row = (await patients()).find((known) => known.commitment === covered.commitment);
    if (row?.state !== "live") return;
    const opened = await this.open(row, covered.reason, covered.unsaved);
    if (opened && covered.writing) this.writing = true;
  }

  clear(): void {
    this.chart = null;
    this.row = null;
    this.draft = null;
    this.writing = false;
    this.ended = null;
    this.opening.fault = null;
    this.#reason = "";
    this.#covered = null;
  }

  async #takeUp(draft: TypedDraft): Promise<void> {
    try {
      await draft.load();
    } catch {
      draft.status = "failed";
    }
    void draft.flush();
    this.writing = draft.text !== "" || Object.values(draft.fields).some((field) => field !== "");
  }

  #end(notice: Notice | null): void {
    const name = this.chart?.patient.name ?? "";
    void this.draft?.flush();
    this.clear();
    this.ended = { name, notice };
    void commands.closeChart().catch(() => undefined);
  }
}

export const openChart = new OpenChart();
