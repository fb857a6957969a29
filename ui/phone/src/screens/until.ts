/** When access ends: a length from now, or the end of a chosen day on this phone's calendar. */

const DAY = 86_400;
const LENGTHS = { day: DAY, week: 7 * DAY, month: 30 * DAY } as const;

export type UntilKind = keyof typeof LENGTHS | "date";

export const UNTIL_KINDS: readonly UntilKind[] = ["day", "week", "month", "date"];

export class Until {
  constructor(
    readonly kind: UntilKind,
    /** `YYYY-MM-DD`, for kind `date`: the last day. */
    readonly date = "",
  ) {}

  /** Seconds since 1970; undefined when the chosen day is none, or is over. */
  expiry(now: number): number | undefined {
    if (this.kind !== "date") return now + LENGTHS[this.kind];
    const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(this.date) ?? [];
    if (!year) return undefined;
    const end = new Date(Number(year), Number(month) - 1, Number(day), 23, 59, 59).getTime() / 1000;
    return end > now && end < now + 100 * 366 * DAY ? Math.floor(end) : undefined;
  }
}
