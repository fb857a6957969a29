/** Sections of the record: the number is the bit in a grant (protocol §2, "Sections"). */

export const SECTIONS = [
  "demographics",
  "problems",
  "allergies",
  "medications",
  "immunizations",
  "results",
  "procedures",
  "devices",
  "advanceDirectives",
  "alerts",
  "functionalStatus",
  "pastProblems",
  "pregnancy",
  "patientStory",
  "planOfCare",
  "socialHistory",
  "vitalSigns",
  "encounters",
  "documents",
] as const;

export type Section = (typeof SECTIONS)[number];

/** Number of the patient's own log key; never granted. */
export const LOG_SECTION = 31;

export function sectionNumber(section: Section): number {
  return SECTIONS.indexOf(section);
}

export function sectionOf(number: number): Section | undefined {
  return SECTIONS[number];
}

export function maskOf(sections: Iterable<Section>): number {
  let mask = 0;
  for (const section of sections) mask |= 1 << sectionNumber(section);
  return mask;
}

export function sectionsIn(mask: number): Section[] {
  return SECTIONS.filter((_, number) => (mask >>> number) & 1);
}
