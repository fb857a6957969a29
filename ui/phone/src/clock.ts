/** Time in whole seconds. Old phones run wrong clocks, so the gateway's `Date` corrects ours when they differ by much. */

/** Differences below this are left alone; a `Date` header is only exact to a second. */
const TOLERATED = 5;

export class Clock {
  private offset = 0;

  constructor(private readonly local: () => number = () => Date.now() / 1000) {}

  now(): number {
    return Math.floor(this.local() + this.offset);
  }

  /** Takes over the time of an answer's `Date` header. */
  learn(dateHeader: string | null): void {
    const theirs = Date.parse(dateHeader ?? "") / 1000;
    if (!Number.isFinite(theirs)) return;
    const difference = theirs - this.local();
    this.offset = Math.abs(difference) > TOLERATED ? difference : 0;
  }
}
