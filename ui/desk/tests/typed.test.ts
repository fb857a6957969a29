// What was typed is never lost: full disk, revocation, another person. In a real browser, against the fake workstation.
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { hands } from "./hands";
import { Windows } from "./window";

let windows: Windows;
let page: Page;
const { id, fake, calls, openFirstChart } = hands(() => page);

beforeAll(async () => {
  windows = await Windows.start();
});
afterAll(() => windows.stop());
afterEach(() => page.context().close());

describe("what was typed", () => {
  beforeEach(async () => {
    page = await windows.open("open");
    await openFirstChart();
    await id("write").click();
  });

  test("a full disk: the chart does not close over text that is not kept, until the person says so", async () => {
    await fake("refuse = { saveDraft: window.fake.notice('disk-full', 'The disk is full.', '') }");
    await id("note-text").fill("Only in the window");
    await id("close-chart").click();
    await id("draft-held").waitFor();
    expect(await id("note-text").inputValue()).toBe("Only in the window");
    expect(await calls("closeChart")).toHaveLength(0);
    await id("held-discard").click();
    await id("patients").waitFor();
    expect(await calls("closeChart")).toHaveLength(1);
  });

  test("a full disk that has space again: closing is tried again and keeps the text", async () => {
    await fake("refuse = { saveDraft: window.fake.notice('disk-full', 'The disk is full.', '') }");
    await id("note-text").fill("Then there was space");
    await id("close-chart").click();
    await id("draft-held").waitFor();
    await fake("refuse = {}");
    await id("held-retry").click();
    await id("patients").waitFor();
    expect((await calls("saveDraft")).at(-1)?.[1]).toMatchObject({ text: "Then there was space" });
  });

  test("a revocation while typing: the text stays to be copied, on a full disk too", async () => {
    await fake("refuse = { saveDraft: window.fake.notice('disk-full', 'The disk is full.', '') }");
    await id("note-text").fill("Typed when it ended");
    await fake("revoke(window.fake.people.PATIENTS[0].commitment)");
    await id("chart-ended").waitFor();
    expect(await id("ended-text").inputValue()).toBe("Typed when it ended");
    expect(await id("chart-ended-close").count()).toBe(0);
    await id("ended-discard").click();
    expect(await id("chart-ended").count()).toBe(0);
  });

  test("a draft under an access that has ended can still be read in the list", async () => {
    await id("note-text").fill("Kept and ended");
    await fake("revoke(window.fake.people.PATIENTS[0].commitment)");
    await id("chart-ended-close").click();
    expect(await id("ended-text").count()).toBe(0);
    await page.locator('[data-testid="patient-row"][data-state="revoked"]').dispatchEvent("click");
    await id("ended-text").waitFor();
    expect(await id("ended-text").inputValue()).toBe("Kept and ended");
  });

  test("a lock by hand on a full disk: the text waits unseen for its author, through another person's sign-in", async () => {
    await fake("refuse = { saveDraft: window.fake.notice('disk-full', 'The disk is full.', '') }");
    await id("note-text").fill("Locked and full");
    await id("lock").click();
    await id("locked").waitFor();
    expect(await page.content()).not.toMatch(/Ribeiro|Locked and full/);
    await fake("refuse = {}");
    await fake("next = { holder: 'Other Person', role: 'Nurse', institution: 'Summit Clinic', device: 'd9' }");
    await fake("signedIn()");
    await id("patients").waitFor();
    await page.waitForTimeout(100);
    expect(await id("chart").count()).toBe(0);
    await id("lock").click();
    await id("locked").waitFor();
    await fake("next = { ...window.fake.next, holder: 'Dr Mei Lindqvist', device: 'd1' }");
    await fake("signedIn()");
    await id("chart").waitFor();
    expect(await id("note-text").inputValue()).toBe("Locked and full");
  });
});
