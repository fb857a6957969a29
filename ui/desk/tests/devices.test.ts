// Cards of the institution as the master-key holder sees them, and the end of a card's approval as its holder does.
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { hands } from "./hands";
import { Windows } from "./window";

let windows: Windows;
let page: Page;
const { id, calls } = hands(() => page);

beforeAll(async () => {
  windows = await Windows.start();
});
afterAll(() => windows.stop());
afterEach(() => page.context().close());

async function approvals(): Promise<void> {
  page = await windows.open("card&master");
  await id("tasks").click();
  await id("nav-approvals").click();
  await id("device-row").first().waitFor();
}
const row = (holder: string) => page.locator(`[data-testid="device-row"][data-holder="${holder}"]`);

describe("cards of the institution", () => {
  test("active ones first of all, with their last use and a warning before the end", async () => {
    await approvals();
    expect(await id("device-row").count()).toBe(2);
    expect(await row("Jonas Falk").getByTestId("last-use").textContent()).toBe("Never");
    expect(await row("Jonas Falk").getByTestId("ends-soon").textContent()).toContain("days");
    expect(await row("Dr Inês Duarte").getByTestId("ends-soon").count()).toBe(0);
    await id("device-all").check();
    expect(await row("Piet de Vries").getByTestId("device-note").textContent()).toBe("Lost or stolen");
    await id("device-search").fill("30110007");
    expect(await id("device-row").count()).toBe(1);
    await id("device-search").fill("nobody");
    await id("device-no-match").waitFor();
  });

  test("a lost card is revoked by keyboard alone, and what it did is one step further", async () => {
    await approvals();
    await row("Dr Inês Duarte").getByTestId("revoke-device").focus();
    await page.keyboard.press("Enter");
    await id("revoke-dialog").waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await id("device-revoked").waitFor();
    expect((await calls("revokeDevice"))[0]?.[1]).toBe("Left the institution");
    await id("uses-dialog").waitFor();
    await id("uses-since").focus();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await id("use-line").first().waitFor();
    expect(await id("use-line").count()).toBe(2);
    expect(await id("uses-count").textContent()).toContain("2 patients: 1 reading, 1 record written");
    expect(await id("uses-sealed").textContent()).toContain("1 day");
    const [asked] = await calls("deviceUses");
    expect(Number(asked?.[1])).toBeLessThan(Date.now() / 1000 - 6 * 86_400);
    await page.keyboard.press("Escape");
    expect(await id("uses-dialog").count()).toBe(0);
  });

  test("another reason must be told, and nothing is revoked without one", async () => {
    await approvals();
    await row("Jonas Falk").getByTestId("revoke-device").click();
    await id("revoke-reason-other").check();
    await id("revoke-confirm").click();
    expect(await calls("revokeDevice")).toHaveLength(0);
    await id("revoke-reason-text").fill("Found in the canteen");
    await id("revoke-confirm").click();
    await id("device-revoked").waitFor();
    expect((await calls("revokeDevice"))[0]?.[1]).toBe("Found in the canteen");
  });

  test("a request says that it renews a card, or that the person has another one", async () => {
    await approvals();
    const request = (holder: string) => page.locator(`[data-testid="request"][data-holder="${holder}"]`);
    expect(await request("Dr Mei Lindqvist").getByTestId("request-renews").count()).toBe(1);
    expect(await request("Jonas Falk").getByTestId("request-others").textContent()).toContain("30110007");
  });
});

describe("the end of an approval", () => {
  test("is told in time, and its renewal is one press", async () => {
    page = await windows.open("open&ending");
    expect(await id("card-end").textContent()).toMatch(/in [89] days/);
    await id("request-renewal").click();
    await id("renewal-requested").waitFor();
    expect(await id("renewal-words").getAttribute("data-value")).toContain("orbit");
    expect(await calls("requestRenewal")).toHaveLength(1);
  });

  test("far from it nothing is said", async () => {
    page = await windows.open("open");
    await id("patients").waitFor();
    expect(await id("card-end").count()).toBe(0);
  });
});

describe("a blocked PIN", () => {
  test("at the ward: one press, six words for the phone, and the way back", async () => {
    page = await windows.open("card&blocked");
    expect(await id("lock-title").textContent()).toContain("blocked");
    expect(await id("sign-in").count()).toBe(0);
    await page.keyboard.press("Enter");
    expect(await id("unblock-words").getAttribute("data-value")).toBe("orbit maple canal velvet ginger stone");
    await id("cancel-unblock").click();
    await id("ask-unblock").waitFor();
  });

  test("at IT: the words lead to a name, and only then can it be unblocked", async () => {
    page = await windows.open("card");
    await id("tasks").click();
    await id("unblock-find").click();
    expect(await calls("findUnblock")).toHaveLength(0);
    await id("unblock-spoken").fill("orbit maple canal velvet ginger stone");
    await page.keyboard.press("Enter");
    expect(await id("unblock-found").textContent()).toContain("Dr Inês Duarte");
    await id("unblock-confirm").click();
    await id("unblocked").waitFor();
    expect(await calls("answerUnblock")).toEqual([["u1"]]);
    expect(await id("unblock-found").count()).toBe(0);
  });
});
