/** The catalogue in use, and dates in its language. */
import { type Section, sectionOf } from "@wardkey/shared/protocol";
import { en } from "./en.ts";

export const t = en;

export function sectionName(section: Section): string {
  return t.sections[section];
}

export function sectionNameOf(number: number): string {
  const section = sectionOf(number);
  return section ? t.sections[section] : t.sectionUnknown(number);
}

/** What an institution adds to a section. */
export function additionName(section: Section): string {
  return t.additions[section] ?? t.sections[section];
}

/** "3 May 2026" of a time in seconds. */
export function day(seconds: number): string {
  return new Intl.DateTimeFormat(t.locale, { dateStyle: "long" }).format(seconds * 1000);
}

/** "3 May 2026 at 14:05" of a time in seconds. */
export function moment(seconds: number): string {
  return new Intl.DateTimeFormat(t.locale, { dateStyle: "medium", timeStyle: "short" }).format(seconds * 1000);
}

/** A FHIR date as far as it is known (`1985`, `1985-03`, `1985-03-27`, or with a time). */
export function fhirDate(written: string): string {
  const [, year, month, date] = /^(\d{4})(?:-(\d\d))?(?:-(\d\d))?/.exec(written) ?? [];
  if (!year) return written;
  const style: Intl.DateTimeFormatOptions = {
    year: "numeric",
    ...(month && { month: "long" }),
    ...(date && { day: "numeric" }),
    timeZone: "UTC",
  };
  return new Intl.DateTimeFormat(t.locale, style).format(
    Date.UTC(Number(year), Number(month ?? 1) - 1, Number(date ?? 1)),
  );
}

export function countryName(code: string): string {
  try {
    return new Intl.DisplayNames([t.locale], { type: "region" }).of(code.toUpperCase()) ?? code;
  } catch {
    return code;
  }
}

/** Words for a fault, by its code. */
export function faultText(code: string): string {
  return t.fault.codes[code] ?? t.fault.other;
}
