// How a chart is ordered for reading: what matters at a bedside first, values of one kind together.
import type { ChartSection, Entry, SectionName } from "./model";
import type { Point } from "./plot";

const ORDER: readonly SectionName[] = [
  "alerts",
  "allergies",
  "medications",
  "problems",
  "results",
  "vitalSigns",
  "immunizations",
  "procedures",
  "encounters",
  "pastProblems",
  "devices",
  "pregnancy",
  "socialHistory",
  "functionalStatus",
  "planOfCare",
  "advanceDirectives",
  "patientStory",
  "documents",
  "demographics",
];

/** Sections in reading order; within a section nothing is moved. */
export function chartOrder(sections: readonly ChartSection[]): ChartSection[] {
  return [...sections].sort((a, b) => ORDER.indexOf(a.section) - ORDER.indexOf(b.section));
}

/** The values of one measurement, newest first. */
export interface Series {
  key: string;
  title: string;
  latest: Entry;
  older: Entry[];
  points: Point[];
}

const time = (entry: Entry): number => {
  const at = Date.parse(entry.date);
  return Number.isNaN(at) ? Number.NEGATIVE_INFINITY : at;
};

/** Splits a section into series of two or more values of the same title and unit, and all other entries. */
export function series(entries: readonly Entry[]): { series: Series[]; single: Entry[] } {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const key = entry.value ? `${entry.title}\n${entry.value.unit}` : entry.record;
    const known = groups.get(key);
    if (known) known.push(entry);
    else groups.set(key, [entry]);
  }
  const found: Series[] = [];
  const single: Entry[] = [];
  for (const [key, group] of groups) {
    group.sort((a, b) => time(b) - time(a));
    const [latest, ...older] = group;
    if (!latest) continue;
    if (older.length === 0 || !latest.value) single.push(...group);
    else found.push({ key, title: latest.title, latest, older, points: pointsOf(group) });
  }
  return { series: found, single };
}

function pointsOf(entries: readonly Entry[]): Point[] {
  return entries.flatMap((entry) => {
    const at = time(entry);
    return entry.value && Number.isFinite(at) ? [{ at, value: entry.value.number }] : [];
  });
}

/** Whether a value lies outside the normal range it was given with. */
export function outside(value: NonNullable<Entry["value"]>): "low" | "high" | null {
  if (value.low !== null && value.number < value.low) return "low";
  return value.high !== null && value.number > value.high ? "high" : null;
}
