// Several master keys in the window: the second person, the list of keys, the move of the institution's key.
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { hands } from "./hands";
import { Windows } from "./window";

let windows: Windows;
let page: Page;
const { id, fake, calls } = hands(() => page);

beforeAll(async () => {
  windows = await Windows.start();
});
afterAll(() => windows.stop());
afterEach(() => page.context().close());

describe("the master-key area", () => {
  test("a second person sees who signed, and signs as well", async () => {
    page = await windows.open("card&master&several");
    await id("tasks").click();
    await id("nav-approvals").click();
    const proposal = page.locator('[data-testid="proposal"][data-holder="Jonas Falk"]');
    await proposal.waitFor();
    expect(await proposal.textContent()).toContain("1 of 2 signatures");
    await proposal.getByTestId("cosign").focus();
    await page.keyboard.press("Enter");
    await id("cosigned").waitFor();
    expect(await id("proposal-state").getAttribute("data-value")).toBe("done");
    expect(await calls("cosign")).toHaveLength(1);
  });

  test("a proposal is withdrawn only with a reason", async () => {
    page = await windows.open("card&master&several");
    await id("tasks").click();
    await id("nav-approvals").click();
    await id("withdraw").click();
    await id("withdraw-confirm").click();
    expect(await calls("withdraw")).toHaveLength(0);
    await id("withdraw-reason").fill("Left the hospital");
    await page.keyboard.press("Enter");
    await id("withdrawn").waitFor();
    expect((await calls("withdraw"))[0]?.[1]).toBe("Left the hospital");
    expect(await id("proposal-state").getAttribute("data-value")).toBe("withdrawn");
  });

  test("after a revocation the key is to be moved, with its progress in view", async () => {
    page = await windows.open("card&master");
    await id("tasks").click();
    await id("nav-approvals").click();
    await id("key-good").waitFor();
    await id("revoke-device").first().click();
    await id("revoke-confirm").click();
    await id("uses-dialog").waitFor();
    await page.keyboard.press("Escape");
    await id("key-due").waitFor();
    await id("uses-dialog").waitFor({ state: "detached" });
    await fake("pinMs = 900");
    await id("move-key").focus();
    await page.keyboard.press("Enter");
    await page.locator('[data-testid="progress"][data-step="uploading"]').waitFor();
    await id("key-moved").waitFor();
    await id("key-good").waitFor();
    expect(await calls("moveKey")).toHaveLength(1);
  });

  test("a master key is removed with a number that the rest can keep", async () => {
    page = await windows.open("card&master&several");
    await id("tasks").click();
    await id("nav-approvals").click();
    expect(await id("masters-rule").textContent()).toContain("2 of 3");
    await id("remove-master").last().click();
    await id("threshold").fill("2");
    expect(await id("masters-confirm").isDisabled()).toBe(true);
    await id("threshold").fill("1");
    await id("masters-confirm").click();
    await id("masters-changed").waitFor();
    expect((await calls("changeMasters"))[0]?.[1]).toBe(1);
  });

  test("a new card is offered on the terminal, and a current one accepts it", async () => {
    page = await windows.open("card&unregistered");
    await id("tasks").click();
    await id("nav-approvals").click();
    await id("offer-threshold").fill("2");
    await id("offer").click();
    const seen = await id("offer-words").getAttribute("data-value");
    expect((await calls("offerMaster"))[0]).toEqual([null, 2]);
    page = await windows.open("card&master&several");
    await id("tasks").click();
    await id("nav-approvals").click();
    expect(await id("offered-words").getAttribute("data-value")).toBe(seen);
    await id("accept-master").click();
    await id("masters-changed").waitFor();
    expect(await id("offered").count()).toBe(0);
  });
});
