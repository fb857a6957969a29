// How times, dates, ages and ids are written.
import { texts } from "./texts";

const DAY = 86_400;
const part = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(texts.locale, options);
const dayFormat = part({ day: "numeric", month: "short", year: "numeric" });
const dayUtc = part({ day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const timeFormat = part({ hour: "2-digit", minute: "2-digit" });
const longDay = part({ weekday: "long", day: "numeric", month: "long", year: "numeric" });

/** 14 Mar 2026; the input is seconds. */
export const day = (seconds: number): string => dayFormat.format(seconds * 1000);
/** 09:41 */
export const timeOfDay = (seconds: number): string => timeFormat.format(seconds * 1000);
/** Monday, 14 March 2026 */
export const wholeDay = (seconds: number): string => longDay.format(seconds * 1000);
/** 14 Mar 2026, 09:41 */
export const moment = (seconds: number): string => `${day(seconds)}, ${timeOfDay(seconds)}`;

/** FHIR dates may be a year, a month, a day or a moment; each is shown as exactly as it is known. */
export function fhirDate(text: string): string {
  if (/^\d{4}$/.test(text)) return text;
  const time = Date.parse(/^\d{4}-\d{2}$/.test(text) ? `${text}-01` : text);
  if (Number.isNaN(time)) return text;
  if (/^\d{4}-\d{2}$/.test(text)) {
    return part({ month: "short", year: "numeric", timeZone: "UTC" }).format(time);
  }
  return text.length === 10 ? dayUtc.format(time) : dayFormat.format(time);
}

/** Whole years between a birth date and now; null when the date is not a full one. */
export function age(birthDate: string, now: number): number | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})/.exec(birthDate);
  if (!match) return null;
  const today = new Date(now * 1000);
  const [year, month, date] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const before = today.getMonth() + 1 < month || (today.getMonth() + 1 === month && today.getDate() < date);
  const years = today.getFullYear() - year - (before ? 1 : 0);
  return years < 0 ? null : years;
}

/** A span in one unit: 40 s, 5 min, 3 h, 2 days. */
export function span(seconds: number): string {
  if (seconds < 60) return texts.time.seconds(Math.max(0, Math.floor(seconds)));
  if (seconds < 3600) return texts.time.minutes(Math.floor(seconds / 60));
  if (seconds < 2 * DAY) return texts.time.hours(Math.floor(seconds / 3600));
  return texts.time.days(Math.floor(seconds / DAY));
}

/** 2 min ago; older than a day: the date. */
export function since(seconds: number, now: number): string {
  const passed = now - seconds;
  if (passed < 10) return texts.time.justNow;
  return passed < DAY ? texts.time.ago(span(passed)) : day(seconds);
}

/** The first and last digits of an id: enough to compare, never enough to be mistaken for the whole. */
export const shortId = (id: string): string => (id.length > 16 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id);

/** A measured number as it is usually written, without a tail of digits. */
export const amount = (value: number): string =>
  new Intl.NumberFormat(texts.locale, { maximumSignificantDigits: 5 }).format(value);
