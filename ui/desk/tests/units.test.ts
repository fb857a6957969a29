import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { base64 } from "../src/base64";
import { chartOrder, outside, series } from "../src/chart";
import { age, fhirDate, shortId, since, span } from "../src/formats";
import type { Draft, Entry } from "../src/model";
import { asNotice } from "../src/notice";
import { plotted } from "../src/plot";
import { matches } from "../src/search";
import { DRAFT_DELAY_MS, TypedDraft } from "../src/state/draft.svelte";
import { translated } from "../src/texts/faults";
import { endOfDay, isoDay } from "../src/until";

const entry = (title: string, date: string, number: number, unit = "g"): Entry => ({
  record: `${title}${date}`,
  kind: "Observation",
  title,
  detail: "",
  date,
  status: "",
  severity: null,
  value: { number, unit, low: 1, high: 5 },
  source: { institution: "", author: "", role: "" },
  signature: "verified",
  byKey: "session",
});

describe("formats", () => {
  test("a FHIR date is shown as exactly as it is known", () => {
    expect(fhirDate("1990")).toBe("1990");
    expect(fhirDate("1990-02")).toBe("Feb 1990");
    expect(fhirDate("1990-02-03")).toBe("3 Feb 1990");
    expect(fhirDate("not a date")).toBe("not a date");
    expect(fhirDate("")).toBe("");
  });

  test("age counts whole years, and is silent without a full date", () => {
    const now = new Date(2026, 4, 16, 12).getTime() / 1000;
    expect(age("1984-05-17", now)).toBe(41);
    expect(age("1984-05-16", now)).toBe(42);
    expect(age("1984", now)).toBeNull();
    expect(age("2030-01-01", now)).toBeNull();
  });

  test("spans have one unit", () => {
    expect([span(-3), span(59), span(61), span(7300), span(3 * 86_400)]).toEqual([
      "0 s",
      "59 s",
      "1 min",
      "2 h",
      "3 days",
    ]);
    expect(since(100, 105)).toBe("just now");
  });

  test("a short id keeps both ends", () => expect(shortId("0123456789abcdef0123")).toBe("01234567…0123"));

  test("a day ends when the next one begins", () => {
    const end = endOfDay("2026-03-01");
    expect(isoDay(end)).toBe("2026-03-02");
    expect(isoDay(end - 1)).toBe("2026-03-01");
    expect(endOfDay("nonsense")).toBe(0);
  });
});

describe("chart", () => {
  test("what matters at a bedside comes first", () => {
    const order = chartOrder(
      (["demographics", "documents", "allergies"] as const).map((section) => ({
        section,
        state: "empty",
        entries: [],
      })),
    );
    expect(order.map((known) => known.section)).toEqual(["allergies", "documents", "demographics"]);
  });

  test("values of the same title and unit are one series, newest first; other units stay apart", () => {
    const found = series([entry("K", "2024-01-01", 3), entry("K", "2025-01-01", 4), entry("K", "2025-01-01", 9, "mg")]);
    expect(found.series).toHaveLength(1);
    expect(found.series[0]?.latest.date).toBe("2025-01-01");
    expect(found.single.map((known) => known.value?.unit)).toEqual(["mg"]);
  });

  test("bounds belong to the normal range", () => {
    expect(outside({ number: 5, unit: "", low: 1, high: 5 })).toBeNull();
    expect(outside({ number: 5.1, unit: "", low: 1, high: 5 })).toBe("high");
    expect(outside({ number: 0, unit: "", low: 1, high: null })).toBe("low");
  });
});

describe("plot", () => {
  test("stays inside the picture and marks what is outside the range", () => {
    const drawn = plotted(
      [
        { at: 2, value: 9 },
        { at: 1, value: 3 },
      ],
      1,
      5,
      100,
      40,
    );
    expect(drawn.dots.map((dot) => dot.outside)).toEqual([false, true]);
    for (const dot of drawn.dots) {
      expect(dot.x).toBeGreaterThanOrEqual(0);
      expect(dot.y).toBeLessThanOrEqual(40);
    }
    expect(drawn.dots[0]?.x).toBeLessThan(drawn.dots[1]?.x ?? 0);
  });

  test("one value, equal values and no values draw without a number that is none", () => {
    for (const points of [
      [],
      [{ at: 1, value: 3 }],
      [
        { at: 1, value: 3 },
        { at: 1, value: 3 },
      ],
    ]) {
      expect(JSON.stringify(plotted(points, null, null, 100, 40))).not.toMatch(/null,|NaN|Infinity/);
    }
  });
});

test("search needs every word", () => {
  const row = { name: "Lena Müller", birthDate: "1973-01-09", patient: "abcd" };
  expect(matches(row, "muller lena")).toBe(true);
  expect(matches(row, "9 jan 1973")).toBe(true);
  expect(matches(row, "lena smith")).toBe(false);
});

test("base64 holds for more bytes than one piece", () => {
  const bytes = Uint8Array.from({ length: 100_001 }, (_, n) => n % 256);
  expect(base64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
});

test("a notice is said in the words of its code, else as whole sentences of its own", () => {
  const own = {
    code: "card-removed",
    message: "the card was removed",
    action: "Insert it again",
    tone: "danger" as const,
  };
  expect(translated(own)).toMatchObject({ message: "The card was removed.", action: "Insert it again." });
  expect(translated({ ...own, code: "grant-revoked" }).message).toBe("The patient has ended this access.");
  expect(translated({ ...own, action: "" }).action).toBe("");
});

test("whatever a command throws becomes a notice", () => {
  expect(asNotice("boom")).toMatchObject({ code: "unexpected", message: "boom" });
  const notice = { code: "a", message: "b", action: "c", tone: "info" as const };
  expect(asNotice(notice)).toBe(notice);
});

describe("draft", () => {
  const saved: Draft[] = [];
  let full = false;
  const store = {
    draft: () => Promise.resolve<Draft | null>({ kind: "note", text: "from before", fields: { dose: "1" } }),
    saveDraft: (_: string, draft: Draft) => {
      if (full) return Promise.reject(new Error("disk full"));
      saved.push(draft);
      return Promise.resolve();
    },
  };
  beforeEach(() => {
    saved.length = 0;
    full = false;
    vi.useFakeTimers();
  });
  afterEach(() => vi.useRealTimers());

  test("continuous typing is saved at least every delay, not only after a pause", async () => {
    const draft = new TypedDraft(store, "c");
    for (let n = 0; n < 20; n++) {
      draft.text += "x";
      draft.touch();
      await vi.advanceTimersByTimeAsync(DRAFT_DELAY_MS / 3);
    }
    expect(saved.length).toBeGreaterThanOrEqual(6);
  });

  test("flush saves at once, and only what is new", async () => {
    const draft = new TypedDraft(store, "c");
    draft.text = "now";
    draft.touch();
    await draft.flush();
    await draft.flush();
    expect(saved.map((known) => known.text)).toEqual(["now"]);
  });

  test("a failed save keeps the text and is tried again", async () => {
    const draft = new TypedDraft(store, "c");
    full = true;
    draft.text = "keep";
    draft.touch();
    await draft.flush();
    expect(draft.status).toBe("failed");
    full = false;
    await draft.flush();
    expect(saved.map((known) => known.text)).toEqual(["keep"]);
    expect(draft.status).toBe("saved");
  });

  test("what was typed before is taken up, unless something new was typed meanwhile", async () => {
    const draft = new TypedDraft(store, "c");
    await draft.load();
    expect([draft.text, draft.fields.dose]).toEqual(["from before", "1"]);
    const newer = new TypedDraft(store, "c");
    newer.text = "newer";
    newer.touch();
    await newer.load();
    expect(newer.text).toBe("newer");
  });
});
