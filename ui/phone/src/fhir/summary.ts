/** A FHIR R4 resource in a few words. Reads leniently: real resources leave out and add what they like. */

/** Finds the resource that a Reference names, `within` being the resource that refers. */
export type Find = (reference: string, within: unknown) => unknown;

export interface Summary {
  title: string;
  /** Further lines, plain text. */
  details: string[];
  /** As written in the resource: a date or a date and time. */
  date?: string;
}

type Json = Record<string, unknown>;

function object(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}

function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value).trim() : "";
}

/** CodeableConcept: its text, or the first display, or the first code. */
export function concept(value: unknown): string {
  const { text: written, coding } = object(value);
  const codings = list(coding).map(object);
  return (
    text(written) ||
    codings.map((c) => text(c["display"])).find(Boolean) ||
    codings.map((c) => text(c["code"])).find(Boolean) ||
    ""
  );
}

/** Without the empty ones, each once. */
function different(words: string[]): string[] {
  return [...new Set(words.filter(Boolean))];
}

function quantity(value: unknown): string {
  const q = object(value);
  return [text(q["value"]), text(q["unit"]) || text(q["code"])].filter(Boolean).join(" ");
}

function humanName(value: unknown): string {
  const name = object(value);
  const parts = [...list(name["given"]), name["family"]].map(text).filter(Boolean);
  return text(name["text"]) || parts.join(" ");
}

/** Plain text of a narrative's XHTML; never shown as markup. */
export function narrative(div: unknown): string {
  return text(div)
    .replace(/<[^>]*>/g, " ")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&nbsp;", " ")
    .replaceAll("&amp;", "&")
    .replace(/\s+/g, " ")
    .trim();
}

/** The text of a base64 attachment, if it is plain text. */
function attachment(value: unknown): string {
  const { contentType, data, title } = object(value);
  if (!/^text\/plain/.test(text(contentType)) || !text(data)) return text(title);
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(text(data)), (char) => char.charCodeAt(0)));
  } catch {
    return text(title);
  }
}

function measured(resource: Json): string {
  const own =
    quantity(resource["valueQuantity"]) || concept(resource["valueCodeableConcept"]) || text(resource["valueString"]);
  if (own) return own;
  const parts = list(resource["component"]).map(object);
  return parts
    .map((part) => [concept(part["code"]), measured({ ...part, component: undefined })].filter(Boolean).join(": "))
    .join(", ");
}

function dosage(resource: Json): string {
  return [...list(resource["dosage"]), ...list(resource["dosageInstruction"])]
    .map((d) => text(object(d)["text"]) || text(object(d)["patientInstruction"]))
    .filter(Boolean)
    .join("; ");
}

function notes(resource: Json): string[] {
  return list(resource["note"]).map((note) => text(object(note)["text"]));
}

function date(resource: Json): string {
  const found = [
    "onsetDateTime",
    "effectiveDateTime",
    "occurrenceDateTime",
    "performedDateTime",
    "authoredOn",
    "dateAsserted",
    "recordedDate",
    "date",
    "issued",
  ].map((field) => text(resource[field]));
  const period = object(resource["period"] ?? resource["effectivePeriod"] ?? resource["performedPeriod"]);
  return found.find(Boolean) ?? text(period["start"]);
}

type Reader = (resource: Json, find: Find) => { title: string; details: string[] };

const coded: Reader = (r) => ({ title: concept(r["code"]), details: [concept(r["clinicalStatus"])] });

/** A Medication's code, or what it is made of. */
function drug(resource: unknown): string {
  const { code, ingredient } = object(resource);
  const parts = list(ingredient).map((part) => concept(object(part)["itemCodeableConcept"]));
  return concept(code) || different(parts).join(", ");
}

const medication: Reader = (r, find) => {
  const { reference, display } = object(r["medicationReference"]);
  return {
    title: concept(r["medicationCodeableConcept"]) || drug(find(text(reference), r)) || text(display) || drug(r),
    details: [dosage(r)],
  };
};

/** What is said of each resource type beyond the common rule. */
const READERS: Record<string, Reader> = {
  Patient: (r) => ({
    title: list(r["name"]).map(humanName).find(Boolean) ?? "",
    details: [text(r["birthDate"]), text(r["gender"])],
  }),
  Condition: coded,
  AllergyIntolerance: (r) => ({
    title: concept(r["code"]),
    details: [
      different(list(r["reaction"]).flatMap((reaction) => list(object(reaction)["manifestation"]).map(concept))).join(
        ", ",
      ),
      text(r["criticality"]) && `criticality: ${text(r["criticality"])}`,
    ],
  }),
  MedicationStatement: medication,
  MedicationRequest: medication,
  Medication: medication,
  Immunization: (r) => ({ title: concept(r["vaccineCode"]), details: [text(r["lotNumber"])] }),
  Observation: (r) => ({ title: concept(r["code"]), details: [measured(r)] }),
  DiagnosticReport: (r) => ({ title: concept(r["code"]), details: [text(r["conclusion"])] }),
  DocumentReference: (r) => ({
    title: text(r["description"]) || concept(r["type"]),
    details: list(r["content"]).map((content) => attachment(object(content)["attachment"])),
  }),
  Encounter: (r) => ({
    title: list(r["reasonCode"]).map(concept).find(Boolean) || list(r["type"]).map(concept).find(Boolean) || "",
    details: [text(object(r["class"])["display"])],
  }),
  Composition: (r) => ({
    title: text(r["title"]) || concept(r["type"]),
    details: list(r["section"]).map((section) => {
      const { title, text: written } = object(section);
      return [text(title), narrative(object(written)["div"])].filter(Boolean).join(": ");
    }),
  }),
};

/** Never throws; an unknown or empty resource gives its type and its narrative. */
export function summarise(resource: unknown, find: Find = () => undefined): Summary {
  const r = object(resource);
  const type = text(r["resourceType"]);
  const known = (READERS[type] ?? coded)(r, find);
  const told = narrative(object(r["text"])["div"]);
  const details = [...known.details, ...notes(r)].filter(Boolean);
  const when = date(r);
  return {
    title: known.title || told.slice(0, 120) || type,
    details: details.length > 0 || !known.title ? details : told && told !== known.title ? [told] : [],
    ...(when && { date: when }),
  };
}
