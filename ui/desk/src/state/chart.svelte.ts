// The one chart that is open, the draft that belongs to it, and how it ended.
import { commands } from "../ipc";
import type { Chart, Notice, PatientRow } from "../model";
import { asNotice } from "../notice";
import { Action } from "./action.svelte";
import { TypedDraft } from "./draft.svelte";

class OpenChart {
  chart = $state.raw<Chart | null>(null);
  row = $state.raw<PatientRow | null>(null);
  draft = $state.raw<TypedDraft | null>(null);
  writing = $state(false);
  /** Why the chart was closed without being asked to. */
  ended = $state.raw<{ name: string; notice: Notice | null } | null>(null);
  readonly opening = new Action();

  async open(row: PatientRow, reason: string): Promise<boolean> {
    this.ended = null;
    return this.opening.run(async () => {
      const chart = await commands.openChart(row.commitment, reason);
      this.chart = chart;
      this.row = row;
      this.draft = new TypedDraft(commands, row.commitment);
      await this.#takeUpDraft(this.draft);
    });
  }

  /** Reads the open chart as it is now; an access that ended closes it. */
  async refresh(): Promise<void> {
    const before = this.chart;
    if (!before) return;
    try {
      const chart = await commands.chart();
      if (this.chart?.commitment !== before.commitment) return;
      if (chart?.commitment === before.commitment) this.chart = chart;
      else this.#end(null);
    } catch (cause) {
      this.#end(asNotice(cause));
    }
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

  clear(): void {
    this.chart = null;
    this.row = null;
    this.draft = null;
    this.writing = false;
    this.ended = null;
    this.opening.fault = null;
  }

  async #takeUpDraft(draft: TypedDraft): Promise<void> {
    try {
      await draft.load();
      this.writing = draft.text !== "" || Object.values(draft.fields).some((field) => field !== "");
    } catch {
      draft.status = "failed";
    }
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
