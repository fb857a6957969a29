import type { Section } from "@wardkey/shared/protocol";

/** The same choice with one section more or less. */
export function withSection(chosen: ReadonlySet<Section>, section: Section, on: boolean): ReadonlySet<Section> {
  const changed = new Set(chosen);
  if (on) changed.add(section);
  else changed.delete(section);
  return changed;
}
