// One thing a person asked for: running, refused with a notice, or done. Never two at once.
import type { Notice } from "../model";
import { asNotice } from "../notice";

export class Action {
  busy = $state(false);
  fault = $state.raw<Notice | null>(null);

  /** Runs `work`; answers true if it was done. */
  async run(work: () => Promise<void>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.fault = null;
    try {
      await work();
      return true;
    } catch (cause) {
      this.fault = asNotice(cause);
      return false;
    } finally {
      this.busy = false;
    }
  }
}
