// The window as a person uses it, in a real browser, against the fake workstation.
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { IMPORT_LARGEST } from "@wardkey/shared/workstation";
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

describe("lock screen", () => {
  beforeEach(async () => {
    page = await windows.open("");
  });

  test("names the institution and no patient, and asks for the card", async () => {
    expect(await id("institution").textContent()).toBe("Summit Clinic");
    expect(await id("lock-title").textContent()).toBe("Insert your card");
    expect(await id("emergency").textContent()).toContain("112");
    expect(await page.locator("body").textContent()).not.toContain("Ribeiro");
    expect(await calls("patients")).toHaveLength(0);
  });

  test("a card that comes starts the sign-in by itself and leads to the patients", async () => {
    await fake("insert()");
    await id("patients").waitFor();
    expect(await calls("signIn")).toHaveLength(1);
    expect(await id("user-name").textContent()).toBe("Dr Mei Lindqvist");
  });

  test("a card that is not prepared starts nothing", async () => {
    await fake("insert(false)");
    await id("lock-title").getByText("not prepared").waitFor();
    expect(await calls("signIn")).toHaveLength(0);
  });

  test("a refused sign-in says why, and can be tried again", async () => {
    await fake(
      "refuse = { signIn: window.fake.notice('pin-wrong', 'Wrong PIN. 7 tries are left.', 'Type it again.') }",
    );
    await fake("insert()");
    expect(await id("sign-in-fault-message").textContent()).toBe("Wrong PIN. 7 tries are left.");
    await fake("refuse = {}");
    await page.keyboard.press("Enter");
    await id("patients").waitFor();
  });

  test("terminal tasks are reached without a sign-in; a card there does not start one", async () => {
    await id("tasks").click();
    await fake("insert()");
    await id("card-status").waitFor();
    expect(await calls("signIn")).toHaveLength(0);
    await id("leave-tasks").click();
    await id("locked").waitFor();
  });
});

describe("patients", () => {
  beforeEach(async () => {
    page = await windows.open("open");
    await id("patient-row").first().waitFor();
  });

  test("search finds without accents and by parts of the birth date", async () => {
    await id("patient-search").fill("muller");
    expect(await id("patient-row").count()).toBe(1);
    await id("patient-search").fill("1951-11");
    expect(await id("patient-row").getAttribute("data-name")).toBe("Tomasz Wiśniewski");
    await id("patient-search").fill("nobody");
    await id("no-match").waitFor();
  });

  test("a grant that arrives is shown without reloading", async () => {
    await fake("grant({ ...window.fake.people.PATIENTS[0], commitment: 'cc', name: 'New Arrival', fresh: true })");
    await page.locator('[data-testid="patient-row"][data-name="New Arrival"] [data-testid="fresh"]').waitFor();
  });

  test("an expired grant cannot be opened", async () => {
    await page.locator('[data-testid="patient-row"][data-state="expired"]').dispatchEvent("click");
    expect(await id("reason-dialog").count()).toBe(0);
  });

  test("a chart is opened from the keyboard alone, with a reason", async () => {
    await id("patient-search").fill("ribeiro");
    await page.keyboard.press("Enter");
    await id("reason-dialog").waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await id("chart").waitFor();
    const [args] = await calls("openChart");
    expect(args?.[1]).toBe("Emergency");
  });

  test("another reason must be said", async () => {
    await id("patient-row").first().click();
    await id("reason-other").check();
    await id("reason-open").click();
    expect(await calls("openChart")).toHaveLength(0);
    await id("reason-text").fill("Second opinion");
    await id("reason-open").click();
    await id("chart").waitFor();
  });

  test("a refusal is said in the dialog, in the words of its code", async () => {
    await fake("refuse = { openChart: window.fake.notice('device-revoked', 'raw', 'raw') }");
    await id("patient-row").first().click();
    await id("reason-open").click();
    expect(await id("open-fault-message").textContent()).toBe("This card was revoked.");
  });
});

describe("chart", () => {
  beforeEach(async () => {
    page = await windows.open("open");
    await openFirstChart();
  });

  test("tells withheld, empty and not loaded apart, in words", async () => {
    expect(await id("section-pregnancy").getAttribute("data-state")).toBe("withheld");
    expect(await id("section-pregnancy").textContent()).toContain("chose not to share");
    expect(await id("section-devices").textContent()).toContain("could not be loaded");
    expect(await id("section-procedures").getAttribute("data-state")).toBe("empty");
  });

  test("shows allergies first, with those of high risk named so", async () => {
    expect(await id("allergy").allTextContents()).toEqual(["PenicillinHigh risk", "Peanut"]);
  });

  test("every entry carries its source and the state of its signature", async () => {
    const entries = page.getByTestId("section-problems").getByTestId("entry");
    expect(await entries.nth(0).getByTestId("signature").getAttribute("data-value")).toBe("verified");
    expect(await entries.nth(0).getByTestId("source").textContent()).toContain("Harbour Hospital");
    expect(await entries.nth(1).getByTestId("signature").textContent()).toContain("Signature invalid");
  });

  test("values of one measurement become a plot with its range", async () => {
    const line = page.locator('[data-testid="series"][data-title="Creatinine"]');
    expect(await line.getByTestId("plot").getAttribute("aria-label")).toBe("Creatinine: 4 values over time");
    expect(await line.textContent()).toContain("High");
  });

  test("a revocation closes the chart at once and says so", async () => {
    await fake("revoke(window.fake.people.PATIENTS[0].commitment)");
    await id("chart-ended").waitFor();
    expect(await id("chart").count()).toBe(0);
  });

  test("a lock leaves nothing of the patient in the page", async () => {
    await id("lock").click();
    await id("locked").waitFor();
    expect(await page.content()).not.toContain("Ribeiro");
  });
});

describe("writing", () => {
  beforeEach(async () => {
    page = await windows.open("open");
    await openFirstChart();
    await id("write").click();
  });

  test("typed text is a draft within half a second", async () => {
    await id("note-text").pressSequentially("Ankle swollen");
    await page.waitForTimeout(450);
    const saved = await calls("saveDraft");
    expect(saved.at(-1)?.[1]).toMatchObject({ kind: "note", text: "Ankle swollen" });
    expect(await id("draft-status").getAttribute("data-value")).toBe("saved");
  });

  test("a pulled card: the note is kept, nothing of the patient stays in the page, and all is there after the sign-in", async () => {
    await id("note-text").fill("Half a senten");
    await fake("pull()");
    await id("cover").waitFor();
    expect(await page.content()).not.toMatch(/Ribeiro|Half a senten|Penicillin/);
    expect((await calls("saveDraft")).at(-1)?.[1]).toMatchObject({ text: "Half a senten" });
    await fake("insert()");
    await id("chart").waitFor();
    expect(await id("note-text").inputValue()).toBe("Half a senten");
    expect(await id("note-text").evaluate((field) => field === document.activeElement)).toBe(true);
    expect(await id("chart-ended").count()).toBe(0);
  });

  test("a card service that ended is explained on the cover until it is back, and the note is kept", async () => {
    await id("note-text").fill("Half a senten");
    await fake("serviceDown()");
    await id("cover-notice").waitFor();
    expect(await id("cover-notice").getAttribute("data-code")).toBe("card-service-down");
    expect(await id("cover-notice-message").textContent()).toBe("The smart card service is not running.");
    expect(await id("cover-title").textContent()).toBe("No card can be read now");
    expect(await id("cover-reason").textContent()).toBe("What was typed is kept.");
    await fake("set({ notice: null })");
    await id("cover-title").getByText("Insert the same card").waitFor();
    expect(await id("cover-notice").count()).toBe(0);
    expect(await id("cover-reason").textContent()).toBe("The card was removed. Nothing is lost.");
    await fake("insert()");
    await id("chart").waitFor();
    expect(await id("note-text").inputValue()).toBe("Half a senten");
  });

  test("the cover says why, also while the card stays in the reader", async () => {
    await fake("end('session-ended')");
    await id("cover-reason").getByText("The session ended.").waitFor();
    await id("cover-resume").click();
    await id("chart").waitFor();
    await fake("end('device-revoked', window.fake.notice('device-revoked', 'card revoked', 'Ask IT.'))");
    await id("cover-notice").getByText("This card was revoked.").waitFor();
    expect(await id("cover-notice-action").textContent()).toBe("Ask IT staff for a new card.");
    expect(await id("cover-reason").textContent()).toBe("What was typed is kept.");
  });

  test("a note that could not be kept when the card was pulled comes back from the window itself", async () => {
    await fake("refuse = { saveDraft: window.fake.notice('disk-full', 'The disk is full.', '') }");
    await id("note-text").fill("Not on the disk");
    await fake("pull()");
    await id("cover").waitFor();
    await page.waitForTimeout(50);
    await fake("refuse = {}");
    await fake("insert()");
    await id("chart").waitFor();
    expect(await id("note-text").inputValue()).toBe("Not on the disk");
    await page.waitForTimeout(400);
    expect((await calls("saveDraft")).at(-1)?.[1]).toMatchObject({ text: "Not on the disk" });
  });

  test("another person who signs in after a cover sees nothing of the chart", async () => {
    await id("note-text").fill("Mine");
    await fake("pull()");
    await id("cover").waitFor();
    await fake("next = { holder: 'Other Person', role: 'Nurse', institution: 'Summit Clinic', device: 'd9' }");
    await fake("insert()");
    await id("patients").waitFor();
    await page.waitForTimeout(100);
    expect(await id("user-name").textContent()).toBe("Other Person");
    expect(await id("chart").count()).toBe(0);
  });

  test("the cover replaces also an open question and cannot be escaped", async () => {
    await id("close-chart").click();
    await id("patient-row").first().click();
    await id("reason-dialog").waitFor();
    await fake("pull()");
    await id("cover").waitFor();
    await page.keyboard.press("Escape");
    expect(await id("cover").isVisible()).toBe(true);
    expect(await id("reason-dialog").count()).toBe(0);
    await id("cover-lock").click();
    await id("locked").waitFor();
    expect(await page.content()).not.toContain("Ribeiro");
  });

  test("a lock by hand keeps what was typed before it locks", async () => {
    await id("note-text").fill("Typed just before");
    await id("lock").click();
    await id("locked").waitFor();
    const order = await page.evaluate(() => window.fake.calls.map((call) => call.command));
    expect(order.lastIndexOf("saveDraft")).toBeLessThan(order.indexOf("lock"));
    expect((await calls("saveDraft")).at(-1)?.[1]).toMatchObject({ text: "Typed just before" });
  });

  test("a written note empties the field; a refused one keeps the text", async () => {
    await fake("refuse = { writeNote: window.fake.notice('disk-full', 'The disk is full.', 'Free some space.') }");
    await id("note-text").fill("Keep me");
    await id("note-write").click();
    expect(await id("note-fault-message").textContent()).toBe("The disk is full.");
    expect(await id("note-text").inputValue()).toBe("Keep me");
    await fake("refuse = {}");
    await id("note-write").click();
    await id("note-done").waitFor();
    expect(await id("note-text").inputValue()).toBe("");
  });

  test("a prescription needs medication, dose and quantity", async () => {
    await id("write-prescription").click();
    await id("rx-medication").fill("Doxycycline 100 mg");
    await id("rx-sign").click();
    expect(await calls("writePrescription")).toHaveLength(0);
    await id("rx-dose").fill("1 twice a day");
    await id("rx-quantity").fill("14 tablets");
    await id("rx-sign").click();
    await id("prescription-done").waitFor();
    expect((await calls("writePrescription"))[0]?.[1]).toMatchObject({
      medication: "Doxycycline 100 mg",
      quantity: "14 tablets",
    });
  });

  test("an import is shown before it is written", async () => {
    await id("write-import").click();
    await id("import-file").setInputFiles({
      name: "ips.json",
      mimeType: "application/json",
      buffer: Buffer.from("{}"),
    });
    await id("import-preview").waitFor();
    expect(await id("import-section").count()).toBe(3);
    expect(await calls("importConfirm")).toHaveLength(0);
    await id("import-confirm").click();
    await id("import-done").waitFor();
  });

  test("a file larger than the workstation takes is refused unread, in the same words", async () => {
    await id("write-import").click();
    const choose = (size: number) =>
      id("import-file").setInputFiles({
        name: "ips.json",
        mimeType: "application/json",
        buffer: Buffer.alloc(size, 32),
      });
    await choose(IMPORT_LARGEST + 1);
    await id("import-fault").waitFor();
    expect(await id("import-fault").getAttribute("data-code")).toBe("import-too-large");
    expect(await id("import-fault-message").textContent()).toBe("The file has 9 MiB; at most 8 MiB can be imported.");
    expect(await calls("importPreview")).toHaveLength(0);
    await choose(IMPORT_LARGEST);
    await id("import-preview").waitFor();
    expect(await calls("importPreview")).toHaveLength(1);
  });

  test("nothing can be typed into a note while it is being written, so nothing of it is lost", async () => {
    await fake("slow.writeNote = 300");
    await id("note-text").fill("Whole");
    await id("note-write").click();
    expect(await id("note-text").isDisabled()).toBe(true);
    await id("note-done").waitFor();
    expect(await id("note-text").evaluate((field) => field === document.activeElement)).toBe(true);
  });

  test("a refused note shows its text and becomes a draft again where access holds", async () => {
    await id("nav-status").click();
    await id("refused-text").first().waitFor();
    expect(await id("refused-text").evaluateAll((all) => all.map((one) => (one as HTMLTextAreaElement).value))).toEqual(
      ["Refused and not lost", "Ramipril 5 mg\n1 in the morning"],
    );
    expect(await id("refused-copy").count()).toBe(2);
    expect(await id("refused-retry").count()).toBe(1);
    await id("refused-retry").click();
    await id("draft-again").waitFor();
    expect(await calls("writeAgain")).toEqual([["a3"]]);
    expect(await id("refused-text").count()).toBe(1);
  });

  test("a read-only grant cannot be written to", async () => {
    await id("close-chart").click();
    await page.locator('[data-testid="patient-row"][data-name="Tomasz Wiśniewski"]').click();
    await id("reason-open").click();
    await id("write").click();
    await id("note-not-granted").waitFor();
    expect(await id("note-write").isDisabled()).toBe(true);
  });
});

describe("terminal tasks", () => {
  test("IT's card unlocks for a while; leaving the area locks again", async () => {
    page = await windows.open("card=new");
    await id("tasks").click();
    await id("it-unlock").click();
    await page.locator("[data-testid=it-state][data-value=open]").waitFor();
    await id("nav-approvals").click();
    expect(await calls("forgetItCard")).toHaveLength(0);
    await id("nav-status").click();
    await id("status").waitFor();
    expect(await calls("forgetItCard")).toHaveLength(1);
    await id("nav-enrolment").click();
    await page.locator("[data-testid=it-state][data-value=locked]").waitFor();
  });

  test("without an IT card the first step is to set one up", async () => {
    page = await windows.open("card=new&it=none");
    await id("tasks").click();
    await id("it-found").click();
    await page.locator("[data-testid=it-state][data-value=open]").waitFor();
    expect(await calls("foundItCard")).toHaveLength(1);
  });

  test("a card is prepared for a named person, then requested; the words are shown", async () => {
    page = await windows.open("card=new");
    await id("tasks").click();
    await id("prepare-card").click();
    expect(await calls("prepareCard")).toHaveLength(0);
    await id("holder").fill("Mei Lindqvist");
    await id("role").fill("Doctor");
    await id("prepare-card").click();
    await id("progress").waitFor();
    await id("prepared").waitFor();
    await id("request-device").click();
    expect(await id("request-words").getAttribute("data-value")).toBe("orbit maple canal velvet ginger stone");
  });

  test("a request is approved with rights and an end date", async () => {
    page = await windows.open("card&master");
    await id("tasks").click();
    await id("nav-approvals").click();
    const request = page.locator('[data-testid="request"][data-holder="Jonas Falk"]');
    expect(await request.getByTestId("evidence").getAttribute("data-value")).toBe("invalid");
    await request.getByTestId("right-write").uncheck();
    await request.getByTestId("approve").click();
    await id("approved").waitFor();
    const [args] = await calls("approve");
    expect(args?.[1]).toBe(1);
    expect(args?.[2]).toBeGreaterThan(Date.now() / 1000);
  });

  test("a master key in an HSM needs no card, and nothing attests it", async () => {
    page = await windows.open("");
    await id("tasks").click();
    await id("nav-approvals").click();
    expect(await id("master-sign-in").isDisabled()).toBe(true);
    await fake("set({ masterPlace: 'hsm' })");
    expect(await id("master-evidence").textContent()).toContain("Kept in an HSM: no attestation");
    await id("master-sign-in").click();
    await id("master-state").waitFor();
    expect(await calls("masterSignIn")).toHaveLength(1);
    expect(await id("master-evidence").textContent()).toContain("no attestation");
  });

  test("registration asks for a country of two letters", async () => {
    page = await windows.open("card&unregistered");
    await id("tasks").click();
    await id("nav-approvals").click();
    await id("institution-country").fill("P");
    await id("register").click();
    expect(await calls("registerInstitution")).toHaveLength(0);
    await id("institution-country").fill("pt");
    await id("register").click();
    await id("registered").waitFor();
    expect((await calls("registerInstitution"))[0]).toEqual(["Summit Clinic", "PT"]);
  });
});

describe("every screen", () => {
  const screens: [string, string, string[]][] = [
    ["locked", "", []],
    ["patients", "open", []],
    ["posters", "open", ["nav-posters"]],
    ["status", "open", ["nav-status"]],
    ["enrolment", "card", ["tasks"]],
    ["approvals", "card&master", ["tasks", "nav-approvals"]],
    ["chart", "open", ["patient-row", "reason-open"]],
    ["write-pane", "open", ["patient-row", "reason-open", "write"]],
  ];
  test.each(screens)("$0 fits at 200 % zoom and says that it is a trial", async (screen, scene, clicks) => {
    page = await windows.open(scene, { width: 640, height: 400 });
    for (const click of clicks) await id(click).first().click();
    await id(screen).waitFor();
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow).toBe(0);
    expect(await id("trial-banner").isVisible()).toBe(true);
  });

  test.each(screens)(
    "$0 says that the keys are software, whatever roots are trusted",
    async (screen, scene, clicks) => {
      page = await windows.open(scene);
      await fake("set({ trial: false })");
      await id("trial-banner").waitFor({ state: "detached" });
      await fake("set({ trialKeys: true, masterPlace: 'file' })");
      for (const click of clicks) await id(click).first().click();
      await id(screen).waitFor();
      expect(await id("trial-keys").textContent()).toContain("Software keys, trial only");
      await fake("set({ covered: true })");
      await id("cover").waitFor();
      expect(await id("cover").getByTestId("trial-keys").isVisible()).toBe(true);
    },
  );

  test("a chart of 500 more values is painted soon after the click", async () => {
    page = await windows.open("open&large=500");
    await id("patient-row").first().click();
    await id("reason-dialog").waitFor();
    const ms = await page.evaluate(
      () =>
        new Promise<number>((done) => {
          const begun = performance.now();
          const watch = new MutationObserver(() => {
            if (!document.querySelector('[data-testid="chart"]')) return;
            watch.disconnect();
            requestAnimationFrame(() => setTimeout(() => done(performance.now() - begun)));
          });
          watch.observe(document.body, { childList: true, subtree: true });
          document.querySelector<HTMLElement>('[data-testid="reason-open"]')?.click();
        }),
    );
    console.log(`chart of 500 values: ${ms.toFixed(0)} ms`);
    expect(ms).toBeLessThan(2000);
  });
});
