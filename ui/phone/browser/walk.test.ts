/**
 * Drives the built page in a real Chromium through every screen, with the test gateway behind it, and takes pictures.
 * Fails when the page breaks its content security policy, scrolls sideways, or is larger than it may be.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { type Page, chromium } from "playwright-core";
import { encodeQR } from "qr";
import { beforeAll, describe, expect, it } from "vitest";
import { TestGateway, type TestInstitution } from "../test/gateway.ts";

const DIST = fileURLToPath(new URL("../../dist/phone", import.meta.url));
const OUT = fileURLToPath(new URL("../../../target/phone-shots", import.meta.url));
const LIMIT = 150 * 1024;
const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webmanifest": "application/manifest+json",
};

function serve(gateway: TestGateway): Promise<Server> {
  const server = createServer(async (request, response) => {
    const target = request.url ?? "/";
    if (!target.startsWith("/v1/")) {
      const file = join(DIST, target === "/" ? "index.html" : (target.split("?")[0] ?? ""));
      try {
        const body = readFileSync(file);
        response.setHeader("content-security-policy", "default-src 'self'; frame-ancestors 'none'");
        response.setHeader("content-type", TYPES[extname(file)] ?? "application/octet-stream");
        response.end(body);
      } catch {
        response.writeHead(404).end();
      }
      return;
    }
    if (gateway.down) {
      request.socket.destroy();
      return;
    }
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = new Uint8Array(Buffer.concat(parts));
    const answer = await gateway.answer(
      request.method ?? "GET",
      target,
      request.headers as Record<string, string>,
      body,
    );
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

interface Look {
  name: string;
  width: number;
  height: number;
  scheme: "light" | "dark";
}

const LOOKS: Look[] = [
  { name: "390-light", width: 390, height: 844, scheme: "light" },
  { name: "390-dark", width: 390, height: 844, scheme: "dark" },
  { name: "320-light", width: 320, height: 568, scheme: "light" },
  { name: "768-light", width: 768, height: 1024, scheme: "light" },
];

const id = (name: string): string => `[data-testid="${name}"]`;

class Walk {
  private number = 0;
  constructor(
    private readonly page: Page,
    private readonly origin: string,
    private readonly look: Look,
  ) {}

  async shot(name: string, whole = true): Promise<void> {
    const sideways = await this.page.evaluate("document.documentElement.scrollWidth - innerWidth");
    if (Number(sideways) > 0) throw new Error(`${this.look.name}/${name} scrolls sideways by ${sideways} px`);
    this.number += 1;
    const path = join(OUT, this.look.name, `${String(this.number).padStart(2, "0")}-${name}.png`);
    await this.page.waitForTimeout(150);
    await this.page.screenshot({ path, fullPage: whole });
  }

  see(name: string): Promise<unknown> {
    return this.page.waitForSelector(id(name), { timeout: 15_000 });
  }

  click(name: string): Promise<void> {
    return this.page.locator(id(name)).first().click({ timeout: 15_000 });
  }

  async go(hash: string): Promise<void> {
    await this.page.goto("about:blank");
    await this.page.goto(`${this.origin}/${hash}`);
  }

  async firstOpening(): Promise<string> {
    await this.go("");
    await this.see("first-open");
    await this.shot("welcome");
    await this.click("first-open-continue");
    await this.shot("welcome-problems");
    await this.page.locator(id("first-open-name")).fill("Mara Lindqvist");
    await this.page.locator(id("first-open-birthdate")).fill("27 3 1985");
    await this.shot("welcome-filled");
    await this.click("first-open-continue");
    await this.see("access-none");
    await this.shot("home-empty");
    await this.page.locator("summary").last().click();
    return (await this.page.locator(id("patient-id")).textContent()) ?? "";
  }

  /** Through the camera, which sees the poster. */
  async scanned(): Promise<void> {
    await this.go("");
    await this.click("scan-start");
    await this.page.waitForSelector(`${id("scan-video")}[data-state="looking"], ${id("institution-name")}`);
    await this.see("institution-name");
    await this.shot("poster-right");
  }

  /** The camera's screen, looking at a wall, and without a camera. */
  async withoutPoster(): Promise<void> {
    await this.page.addInitScript("if (location.hash === '#/scan') delete Navigator.prototype.mediaDevices");
    await this.go("#/scan");
    await this.see("scan-camera-fault");
    await this.shot("scan-no-camera");
  }

  async give(withheld: string[]): Promise<void> {
    await this.click("grant-start");
    await this.see("grant-confirm");
    await this.shot("give");
    if (withheld.length > 0) {
      await this.click("grant-read-change");
      for (const section of withheld) await this.click(`grant-section-${section}`);
      await this.click("until-date");
      await this.page.locator(id("until-date-input")).fill("2030-05-31");
      await this.shot("give-changed");
    }
    await this.click("grant-confirm");
    await this.see("grant-done");
    await this.shot("given");
  }
}

async function history(
  gateway: TestGateway,
  patient: string,
  home: TestInstitution,
  away: TestInstitution,
): Promise<void> {
  const concept = (text: string): object => ({ text });
  await gateway.write(home, patient, "allergies", {
    resourceType: "AllergyIntolerance",
    code: concept("Penicillin"),
    reaction: [{ manifestation: [concept("Hives"), concept("Swelling of the face")] }],
    onsetDateTime: "2009",
  });
  await gateway.write(home, patient, "problems", {
    resourceType: "Condition",
    code: concept("Type 1 diabetes"),
    onsetDateTime: "1998-06",
  });
  await gateway.write(home, patient, "medications", {
    resourceType: "MedicationStatement",
    medicationCodeableConcept: concept("Insulin glargine 100 U/ml"),
    dosage: [{ text: "18 units under the skin at night" }],
  });
  for (const section of [1, 2, 3, 5]) {
    const deed = { action: 1, section, reason: "Emergency admission", subject: "00".repeat(32) };
    await gateway.log(patient, deed, away);
  }
  await gateway.write(away, patient, "encounters", {
    resourceType: "Encounter",
    reasonCode: [concept("Fall while skiing, left wrist")],
    period: { start: "2026-11-23T10:20:00Z" },
  });
  const drug = { medicationCodeableConcept: concept("Paracetamol 500 mg"), dosageInstruction: [{ text: "1–1–1–1" }] };
  await gateway.write(away, patient, "medications", { resourceType: "MedicationRequest", ...drug }, true);
  gateway.putCheckpoint();
  await gateway.log(patient, { action: 1, section: 5, reason: "", subject: "00".repeat(32) });
}

async function walk(gateway: TestGateway, page: Page, origin: string, look: Look): Promise<void> {
  const [home, away] = gateway.institutions as [TestInstitution, TestInstitution];
  const steps = new Walk(page, origin, look);
  const patient = await steps.firstOpening();
  await steps.scanned();
  await steps.give([]);
  await steps.go(gateway.poster(away));
  await steps.give(["pregnancy", "socialHistory"]);
  await history(gateway, patient, home, away);
  await steps.go("");
  await steps.see("access-live");
  await steps.shot("home");
  await steps.click("nav-records");
  await steps.see("record-line");
  await steps.shot("records");
  await steps.click("nav-log");
  await steps.see("log-line");
  await steps.shot("log");
  gateway.patients.get(patient)?.entries.splice(3, 1);
  await steps.go("#/log");
  await steps.see("log-broken");
  await steps.shot("log-broken");
  await steps.go("");
  await page.locator(id("grant-line"), { hasText: "Summit Clinic" }).click();
  await steps.see("revoke");
  await steps.shot("access");
  await steps.click("revoke");
  await steps.shot("revoke", false);
  await steps.click("revoke-confirm");
  await steps.see("revoked");
  await steps.shot("revoked");
  await steps.withoutPoster();
  await steps.go(gateway.poster(home, { n: "Grand Hospital" }));
  await steps.see("warning");
  await steps.shot("poster-forged");
  gateway.down = true;
  await steps.go("");
  await steps.see("fault");
  await steps.shot("gateway-down");
}

/** Bytes the page loads, each file compressed. */
function weigh(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => {
    const path = join(folder, name);
    return sum + (statSync(path).isDirectory() ? weigh(path) : gzipSync(readFileSync(path)).length);
  }, 0);
}

/** What the camera sees: the poster's code on a grey wall, as a short film. */
function film(link: string, folder: string): string {
  const code = encodeQR(link, "raw", { ecc: "medium", border: 4 });
  const rows = code.map((row) => Uint8Array.from(row, (dark) => (dark ? 0 : 255)));
  const pgm = join(folder, "poster.pgm");
  writeFileSync(pgm, Buffer.concat([Buffer.from(`P5 ${rows.length} ${rows.length} 255\n`), ...rows]));
  const y4m = join(folder, "poster.y4m");
  const filter = "scale=700:700:flags=neighbor,pad=1280:960:(ow-iw)/2:(oh-ih)/2:color=0x808080,setsar=1,format=yuv420p";
  const input = ["-loglevel", "error", "-y", "-loop", "1", "-i", pgm];
  execFileSync("ffmpeg", [...input, "-t", "1", "-r", "5", "-vf", filter, y4m]);
  return y4m;
}

const BROWSER = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--use-fake-ui-for-media-stream",
  "--use-fake-device-for-media-stream",
];

async function lookAt(look: Look): Promise<string[]> {
  const gateway = await TestGateway.make();
  const home = await gateway.addInstitution("Harbour Hospital", "Dr Ines Moreau");
  await gateway.addInstitution("Summit Clinic", "Dr Aiko Tanaka");
  const folder = mkdtempSync(join(tmpdir(), "wardkey-phone-"));
  mkdirSync(join(OUT, look.name), { recursive: true });
  const server = await serve(gateway);
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const seen = film(`${origin}/${gateway.poster(home)}`, folder);
  const context = await chromium.launchPersistentContext(join(folder, "profile"), {
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: [...BROWSER, `--use-file-for-fake-video-capture=${seen}`],
    viewport: { width: look.width, height: look.height },
    colorScheme: look.scheme,
    locale: "en-GB",
    timezoneId: "Europe/Zurich",
  });
  const complaints: string[] = [];
  try {
    const page = context.pages()[0] ?? (await context.newPage());
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().includes("net::ERR")) complaints.push(message.text());
    });
    await walk(gateway, page, origin, look);
  } finally {
    await context.close();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return complaints;
}

describe("the built page in a real browser", () => {
  beforeAll(() => rmSync(OUT, { recursive: true, force: true }));

  it("is small", () => {
    const size = weigh(DIST);
    console.log(`phone page, everything it loads, compressed: ${Math.round(size / 1024)} KB`);
    expect(size).toBeLessThanOrEqual(LIMIT);
  });

  it.each(LOOKS)("lets a patient do everything: $name", { timeout: 180_000 }, async (look) => {
    expect(await lookAt(look)).toEqual([]);
  });
});
