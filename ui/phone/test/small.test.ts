import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { birthDate } from "../src/birth-date.ts";
import { Clock } from "../src/clock.ts";
import { finder, namedMedications, resourceOf } from "../src/fhir/resources.ts";
import { narrative, summarise } from "../src/fhir/summary.ts";
import { fhirDate } from "../src/texts/index.ts";
import { Until } from "../src/screens/until.ts";

describe("birth date", () => {
  const today = new Date("2026-11-23T12:00:00Z");
  it.each([
    ["27 3 1985", "1985-03-27"],
    [" 27.03.1985 ", "1985-03-27"],
    ["27/3/1985", "1985-03-27"],
    ["27031985", "1985-03-27"],
    ["1985-03-27", "1985-03-27"],
    ["29 2 2024", "2024-02-29"],
    ["29 2 2023", undefined],
    ["31 4 2000", undefined],
    ["1 1 85", undefined],
    ["1 1985", undefined],
    ["24 11 2026", undefined],
    ["1 1 1890", undefined],
    ["x", undefined],
  ])("%s", (typed, expected) => {
    expect(birthDate(typed, today)).toBe(expected);
  });
});

describe("clock", () => {
  it("follows the gateway when it is far off, and only then", () => {
    const clock = new Clock(() => 1_000_000);
    clock.learn(new Date(1_000_003_000).toUTCString());
    expect(clock.now()).toBe(1_000_000);
    clock.learn(new Date(1_003_600_000).toUTCString());
    expect(clock.now()).toBe(1_003_600);
    clock.learn(null);
    expect(clock.now()).toBe(1_003_600);
  });
});

describe("end of access", () => {
  const now = Date.parse("2026-11-23T12:00:00") / 1000;
  it("is a length from now or the end of a day", () => {
    expect(new Until("day").expiry(now)).toBe(now + 86_400);
    expect(new Until("date", "2026-11-23").expiry(now)).toBe(Date.parse("2026-11-23T23:59:59") / 1000);
    expect(new Until("date", "2026-11-22").expiry(now)).toBeUndefined();
    expect(new Until("date", "").expiry(now)).toBeUndefined();
    expect(new Until("date", "9999-01-01").expiry(now)).toBeUndefined();
  });
});

describe("FHIR in a few words", () => {
  it("reads the usual resources", () => {
    const allergy = {
      resourceType: "AllergyIntolerance",
      code: { coding: [{ system: "http://snomed.info/sct", code: "91936005", display: "Allergy to penicillin" }] },
      reaction: [{ manifestation: [{ text: "Hives" }, { text: "Swelling" }] }],
      onsetDateTime: "2010",
    };
    expect(summarise(allergy)).toEqual({ title: "Allergy to penicillin", details: ["Hives, Swelling"], date: "2010" });
    const pressure = {
      resourceType: "Observation",
      code: { text: "Blood pressure" },
      component: [
        { code: { text: "Systolic" }, valueQuantity: { value: 120, unit: "mmHg" } },
        { code: { text: "Diastolic" }, valueQuantity: { value: 80, unit: "mmHg" } },
      ],
    };
    expect(summarise(pressure).details).toEqual(["Systolic: 120 mmHg, Diastolic: 80 mmHg"]);
    const drug = { medicationCodeableConcept: { text: "Amoxicillin" }, dosageInstruction: [{ text: "3 × daily" }] };
    expect(summarise({ resourceType: "MedicationRequest", ...drug })).toEqual({
      title: "Amoxicillin",
      details: ["3 × daily"],
    });
  });

  it("names a medicine that another record holds, whatever the reference looks like", () => {
    const bare = { resourceType: "Medication", id: "m1", code: { text: "Ramipril 5 mg" } };
    const entry = {
      fullUrl: "urn:uuid:5f",
      resource: { resourceType: "Medication", ingredient: [{ itemCodeableConcept: { text: "Iron" } }] },
    };
    const uses = (reference: string, more = {}): object => ({
      resourceType: "MedicationStatement",
      medicationReference: { reference, display: "as written" },
      ...more,
    });
    const contained = { contained: [{ resourceType: "Medication", id: "a", code: { text: "Aspirin" } }] };
    const opened = [bare, entry, uses("Medication/m1"), uses("urn:uuid:5f"), uses("#a", contained), undefined];
    const find = finder(opened);
    const title = (resource: unknown): string => summarise(resource, find).title;
    expect(opened.slice(2, 5).map(title)).toEqual(["Ramipril 5 mg", "Iron", "Aspirin"]);
    expect(title(uses("https://x.example/fhir/Medication/m1/_history/2"))).toBe("Ramipril 5 mg");
    expect(title(uses("Medication/none"))).toBe("as written");
    const named = namedMedications(opened, find);
    expect(opened.map((one) => named.has(resourceOf(one)))).toEqual([true, true, false, false, false, false]);
  });

  it("never throws, whatever it is given", () => {
    for (const odd of [null, 1, "x", [], {}, { code: 7 }, { resourceType: "Patient", name: "x" }, { note: [null] }]) {
      expect(() => summarise(resourceOf(odd), finder([odd]))).not.toThrow();
    }
    expect(summarise({ resourceType: "Unheard", text: { div: "<div>Some <b>words</b></div>" } }).title).toBe(
      "Some words",
    );
  });

  it("takes text out of markup once", () => {
    expect(narrative("<p>a &amp;lt;b&gt; <script>c</script></p>")).toBe("a &lt;b> c");
  });

  it("writes dates as far as they are known", () => {
    expect([fhirDate("1985"), fhirDate("1985-03"), fhirDate("1985-03-27T10:00:00Z"), fhirDate("soon")]).toEqual([
      "1985",
      "March 1985",
      "27 March 1985",
      "soon",
    ]);
  });
});

describe("docs/errors.md", () => {
  it("holds every code that the page can say", () => {
    const folders = ["../src", "../../shared/src/protocol"].map((path) => new URL(`${path}/`, import.meta.url));
    const files = folders.flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((name) => /\.(ts|svelte)$/.test(name))
        .map((name) => readFileSync(new URL(name, folder), "utf8")),
    );
    const said = files.flatMap((text) =>
      [...text.matchAll(/(?:Fault|Refusal)\(\s*"([a-z-]+)"/g)].map((match) => match[1]),
    );
    const table = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8");
    expect(said.length).toBeGreaterThan(20);
    expect([...new Set(said)].filter((code) => !table.includes(`\`${code}\``))).toEqual([]);
  });
});
