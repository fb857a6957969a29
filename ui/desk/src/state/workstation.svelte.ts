// The snapshot of the workstation, where in the window the person is, and what follows from both.
import { commands, events } from "../ipc";
import type { Notice, Progress, Snapshot } from "../model";
import { asNotice } from "../notice";
import { Action } from "./action.svelte";
import { openChart } from "./chart.svelte";
import { Reading } from "./reading.svelte";
import { toasts } from "./toasts.svelte";
import { onTopic, tell } from "./topics";

/** Longest wait for the draft before a lock. */
const LOCK_WAITS_MS = 500;

export type Area = "patients" | "posters" | "enrolment" | "approvals" | "status";

class Workstation {
  snapshot = $state.raw<Snapshot | null>(null);
  fault = $state.raw<Notice | null>(null);
  progress = $state.raw<Progress | null>(null);
  area = $state<Area>("patients");
  /** Terminal tasks (cards, approvals, posters, status) are open although nobody is signed in. */
  tasks = $state(false);
  /** The snapshot's notice that was dismissed. */
  dismissed = $state.raw<Notice | null>(null);
  readonly signingIn = new Action();
  readonly patients = new Reading(() => commands.patients(), "patients");
  #reading = false;
  #again = false;

  async start(): Promise<void> {
    onTopic("snapshot", () => void this.#read());
    await events.onChanged(tell);
    await events.onProgress((progress) => (this.progress = progress));
    await this.#read();
  }

  signIn(): void {
    void this.signingIn.run(() => commands.signIn());
  }

  /** What was typed is kept first; a store that hangs does not keep the terminal open. */
  async lock(): Promise<void> {
    const hung = new Promise((done) => setTimeout(done, LOCK_WAITS_MS));
    await Promise.race([openChart.draft?.flush(), hung]);
    await commands.lock();
  }

  /** Asks anew whether somebody is signed in. */
  async stillOpen(): Promise<boolean> {
    const snapshot = await commands.snapshot();
    this.#take(snapshot);
    return snapshot.phase === "open";
  }

  go(area: Area): void {
    this.area = area;
    if (this.snapshot?.phase !== "open") this.tasks = true;
  }

  leaveTasks(): void {
    this.tasks = false;
    this.area = "patients";
  }

  get notice(): Notice | null {
    const notice = this.snapshot?.notice ?? null;
    const same = (a: Notice | null) => a !== null && a.code === notice?.code && a.message === notice.message;
    return same(this.dismissed) ? null : notice;
  }

  async #read(): Promise<void> {
    if (this.#reading) {
      this.#again = true;
      return;
    }
    this.#reading = true;
    do {
      this.#again = false;
      try {
        this.#take(await commands.snapshot());
        this.fault = null;
      } catch (cause) {
        this.fault = asNotice(cause);
      }
    } while (this.#again);
    this.#reading = false;
  }

  #take(next: Snapshot): void {
    const before = this.snapshot;
    this.snapshot = next;
    if (next.notice === null) this.dismissed = null;
    if (before?.phase === "open" && next.phase !== "open") this.#leave(before, next);
    if (before?.phase !== "open" && next.phase === "open") this.#arrive(next);
    if (next.phase !== "open" && !next.covered && before?.covered) openChart.clear();
    if (before && !before.card && next.card?.prepared) this.#cardCame(next);
    if (!next.card) this.signingIn.fault = null;
  }

  /** A card that comes while the lock screen or the cover is shown starts the sign-in by itself. */
  #cardCame(next: Snapshot): void {
    const awaited = next.covered || (next.phase === "cardPresent" && !this.tasks);
    if (awaited) this.signIn();
  }

  #arrive(next: Snapshot): void {
    this.tasks = false;
    this.area = "patients";
    void openChart.comeBack(next.user?.device ?? "", () => commands.patients()).catch(() => undefined);
  }

  /** Nothing of any patient is shown after a lock or under a cover; text that could not be kept waits unseen for its author. */
  #leave(before: Snapshot, next: Snapshot): void {
    const device = before.user?.device ?? "";
    if (next.covered) openChart.cover(device);
    else openChart.lock(device);
    this.patients.clear();
    toasts.clear();
    this.tasks = false;
    this.area = "patients";
  }
}

export const workstation = new Workstation();
