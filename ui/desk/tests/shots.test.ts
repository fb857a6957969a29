// Pictures to look at, only when asked for: WARDKEY_SHOTS=folder npx vitest run tests/shots.test.ts
import { mkdirSync } from "node:fs";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, test } from "vitest";
import { Windows, type Look } from "./window";

const folder = process.env.WARDKEY_SHOTS;
const id = (page: Page, testid: string) => page.getByTestId(testid);

async function chart(page: Page): Promise<void> {
  await id(page, "patient-row").first().click();
  await id(page, "reason-open").click();
  await id(page, "chart").waitFor();
}

const scenes: Record<string, { scene: string; play?: (page: Page) => Promise<void> }> = {
  locked: { scene: "" },
  card: { scene: "card" },
  newcard: { scene: "card=new" },
  patients: { scene: "open" },
  reason: { scene: "open", play: (page) => id(page, "patient-row").first().click() },
  chart: { scene: "open", play: chart },
  results: {
    scene: "open",
    play: async (page) => {
      await chart(page);
      await page.getByTestId("section-results").scrollIntoViewIfNeeded();
    },
  },
  write: {
    scene: "open",
    play: async (page) => {
      await chart(page);
      await id(page, "write").click();
      await id(page, "note-text").fill("Seen at 21:10 after a fall on the path to the hut.");
    },
  },
  prescription: {
    scene: "open",
    play: async (page) => {
      await chart(page);
      await id(page, "write").click();
      await id(page, "write-prescription").click();
    },
  },
  import: {
    scene: "open",
    play: async (page) => {
      await chart(page);
      await id(page, "write").click();
      await id(page, "write-import").click();
      await id(page, "import-file").setInputFiles({
        name: "ips.json",
        mimeType: "application/json",
        buffer: Buffer.from("{}"),
      });
      await id(page, "import-preview").waitFor();
    },
  },
  covered: {
    scene: "open",
    play: async (page) => {
      await chart(page);
      await page.evaluate("window.fake.pull()");
      await id(page, "cover").waitFor();
    },
  },
  posters: { scene: "open", play: (page) => id(page, "nav-posters").click() },
  enrolment: { scene: "card=new", play: (page) => id(page, "tasks").click() },
  requested: {
    scene: "card",
    play: async (page) => {
      await id(page, "tasks").click();
      await id(page, "request-device").click();
      await id(page, "request-words").waitFor();
    },
  },
  gate: {
    scene: "card",
    play: async (page) => {
      await id(page, "tasks").click();
      await id(page, "nav-approvals").click();
    },
  },
  approvals: {
    scene: "card&master",
    play: async (page) => {
      await id(page, "tasks").click();
      await id(page, "nav-approvals").click();
      await id(page, "request").first().waitFor();
    },
  },
  devices: {
    scene: "card&master",
    play: async (page) => {
      await id(page, "tasks").click();
      await id(page, "nav-approvals").click();
      await id(page, "device-all").check();
      await id(page, "device-row").first().scrollIntoViewIfNeeded();
    },
  },
  revoke: {
    scene: "card&master",
    play: async (page) => {
      await id(page, "tasks").click();
      await id(page, "nav-approvals").click();
      await id(page, "revoke-device").first().click();
    },
  },
  uses: {
    scene: "card&master",
    play: async (page) => {
      await id(page, "tasks").click();
      await id(page, "nav-approvals").click();
      await id(page, "device-uses").first().click();
      await id(page, "uses-show").click();
      await id(page, "use-line").first().waitFor();
    },
  },
  blocked: { scene: "card&blocked" },
  unblockwords: {
    scene: "card&blocked",
    play: async (page) => {
      await id(page, "ask-unblock").click();
      await id(page, "unblock-words").waitFor();
    },
  },
  unblock: {
    scene: "card",
    play: async (page) => {
      await id(page, "tasks").click();
      await id(page, "unblock-spoken").fill("orbit maple canal velvet ginger stone");
      await page.keyboard.press("Enter");
      await id(page, "unblock-found").scrollIntoViewIfNeeded();
    },
  },
  ending: { scene: "open&ending" },
  itcard: { scene: "card=new&it=open", play: (page) => id(page, "tasks").click() },
  masters: {
    scene: "card&master&several",
    play: async (page) => {
      await id(page, "tasks").click();
      await id(page, "nav-approvals").click();
      await id(page, "request").first().waitFor();
      await page.setViewportSize({ width: 1280, height: 2600 });
    },
  },
  status: {
    scene: "open",
    play: async (page) => {
      await page.evaluate("window.fake.set({ gateway: 'offline', outbox: { waiting: 1, failed: 1 } })");
      await id(page, "nav-status").click();
      await id(page, "outbox-row").first().waitFor();
    },
  },
};

const looks: Record<string, Look> = {
  "1280": {},
  dark: { scheme: "dark" },
  "1024": { width: 1024, height: 768 },
  zoom200: { width: 640, height: 400 },
};

describe.skipIf(!folder)("pictures", () => {
  let windows: Windows;
  beforeAll(async () => {
    mkdirSync(folder ?? ".", { recursive: true });
    windows = await Windows.start();
  });
  afterAll(() => windows.stop());

  test.each(Object.keys(scenes))("%s", async (name) => {
    for (const [look, size] of Object.entries(looks)) {
      const page = await windows.open(scenes[name]?.scene ?? "", size);
      await scenes[name]?.play?.(page);
      await page.waitForTimeout(150);
      await page.screenshot({ path: `${folder ?? "."}/${name}-${look}.png` });
      await page.context().close();
    }
  });
});
