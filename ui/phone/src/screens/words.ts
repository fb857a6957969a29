import { SECTIONS, type Section } from "@wardkey/shared/protocol";
import { t } from "../texts/index.ts";

/** A choice of sections in words, named from its shorter side. */
export function sectionWords(chosen: readonly Section[], name: (section: Section) => string): string {
  if (chosen.length === 0) return t.grant.nothing;
  const left = SECTIONS.filter((section) => !chosen.includes(section));
  if (left.length === 0) return t.grant.everything;
  if (left.length <= chosen.length) return t.grant.everythingBut(left.map(name).join(" · "));
  return chosen.map(name).join(" · ");
}
