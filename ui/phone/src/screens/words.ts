import { SECTIONS, type Section } from "@wardkey/shared/protocol";
import { sectionName, t } from "../texts/index.ts";

/** What may be looked at, named from its shorter side. */
export function readWords(read: readonly Section[]): string {
  if (read.length === 0) return t.grant.nothing;
  const withheld = SECTIONS.filter((section) => !read.includes(section));
  if (withheld.length === 0) return t.grant.everything;
  if (withheld.length <= read.length) return t.grant.everythingBut(withheld.map(sectionName).join(" · "));
  return read.map(sectionName).join(" · ");
}
