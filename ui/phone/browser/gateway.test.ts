/**
 * The page's own code against the real gateway (`cargo build --release -p wardkey-gateway` first): first opening, poster,
 * access given and ended, every answer's signature checked.
 */
import "fake-indexeddb/auto";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SECTIONS, domainOf, toHex } from "@wardkey/shared/protocol";
import { Clock } from "../src/clock.ts";
import type { Network } from "../src/gateway/types.ts";
import { checkPoster } from "../src/patient/check-poster.ts";
import { endAccess, renewKeys } from "../src/patient/end-access.ts";
import { prepareGrant, sendGrant } from "../src/patient/give-access.ts";
import { listAccess } from "../src/patient/list-access.ts";
import { readLog } from "../src/patient/read-log.ts";
import { readRecords } from "../src/patient/read-records.ts";
import { Session } from "../src/patient/session.ts";
import { Database } from "../src/vault/database.ts";
import { sectionKeys } from "../src/vault/patient.ts";
import { Clinic } from "./clinic.ts";

const PROGRAM = fileURLToPath(new URL("../../../target/release/wardkey-gateway", import.meta.url));
let gateway: ChildProcess;
let origin: string;
const data = mkdtempSync(join(tmpdir(), "wardkey-gateway-"));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function network(): Promise<Network> {
  return (await (await fetch(`${origin}/v1/network`)).json()) as Network;
}

beforeAll(async () => {
  const listen = `127.0.0.1:${await freePort()}`;
  origin = `http://${listen}`;
  const config = join(data, "gateway.toml");
  writeFileSync(config, "[log]\ncheckpoint = 1\n");
  gateway = spawn(PROGRAM, ["--config", config, "--data", data, "--listen", listen], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  for (let tries = 0; tries < 200; tries += 1) {
    if (await network().catch(() => undefined)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the gateway did not start");
}, 30_000);

afterAll(() => {
  gateway.kill();
  rmSync(data, { recursive: true, force: true });
});

/** A registered and accredited institution. */
async function clinic(name: string): Promise<Clinic> {
  const found = await network();
  const made = await Clinic.register(origin, found, domainOf(found), name);
  execFileSync(PROGRAM, ["--data", data, "operator", "accredit", made.id], { stdio: ["ignore", "ignore", "inherit"] });
  return made;
}

function open(clock: Clock): Promise<Session> {
  return Database.open(new IDBFactory()).then((database) =>
    Session.start({
      fetch: (target, init) => fetch(origin + target, init),
      clock,
      random: (length) => crypto.getRandomValues(new Uint8Array(length)),
      database,
    }),
  );
}

describe("the page and the real gateway", () => {
  it("agree on everything the patient does", { timeout: 60_000 }, async () => {
    const { id } = await clinic("Harbour Hospital");
    const session = await open(new Clock());
    await session.enrol("Mara Lindqvist", "1985-03-27");
    const { chainId, contract } = session.network;
    const poster = `#/scan?v=1&c=${chainId}&k=${contract}&i=${id}&n=Harbour%20Hospital`;
    const check = await checkPoster(session, poster);
    if (!check.ok) throw new Error(check.fault);
    expect(await checkPoster(session, poster.replace("Harbour", "Forged"))).toMatchObject({
      fault: "poster-name-forged",
    });

    const choice = { institution: check.institution, read: [...SECTIONS], write: [...SECTIONS] };
    const grant = await prepareGrant(session, { ...choice, expiry: session.now() + 86_400 });
    const sent = await sendGrant(session, grant);
    expect(await sendGrant(session, grant)).toMatchObject({ commitment: grant.stored.commitment });
    expect(sent.block).toBeGreaterThan(0);
    expect(await listAccess(session)).toMatchObject([{ state: "live", institutionName: "Harbour Hospital" }]);

    await endAccess(session, grant.stored.commitment);
    expect(await listAccess(session)).toMatchObject([{ state: "revoked" }]);
    await renewKeys(session, grant.stored.commitment);
    expect(session.me.publishedVersion).toBe(2);
    const again = await prepareGrant(session, { ...choice, expiry: session.now() + 86_400 });
    await sendGrant(session, again);
    expect((await listAccess(session)).map((access) => access.state)).toEqual(["live", "revoked"]);

    expect(await readRecords(session)).toEqual([]);
    expect(await readLog(session)).toMatchObject({ groups: [], conflict: false });
  });

  it("agree on records, and on every line of the log down to the chain", { timeout: 60_000 }, async () => {
    const summit = await clinic("Summit Clinic");
    await summit.employ("Dr Aiko Tanaka");
    const session = await open(new Clock());
    await session.enrol("Mara Lindqvist", "1985-03-27");
    const institution = await session.registry.freshInstitution(summit.id);
    const choice = { institution, read: [...SECTIONS], write: [...SECTIONS], expiry: session.now() + 86_400 };
    const grant = await prepareGrant(session, choice);
    await sendGrant(session, grant);
    const { commitment } = grant.stored;

    const key = async (number: number): Promise<string> =>
      toHex((await sectionKeys(session.database)).find((k) => k.section === number)!.publicKey);
    const allergy = { resourceType: "AllergyIntolerance", code: { text: "Penicillin" } };
    const drug = { resourceType: "MedicationRequest", medicationCodeableConcept: { text: "Paracetamol" } };
    const records = [
      await summit.record(session.myId, "allergies", await key(2), allergy, false),
      await summit.record(session.myId, "medications", await key(3), drug, true),
    ];
    const target = `/v1/patients/${session.myId}/records`;
    const written = await summit.ask("POST", target, commitment, "Unfall — 事故", { records });
    expect(written.status, await written.clone().text()).toBe(200);
    const seen = await summit.ask("GET", `${target}?sections=2,3`, commitment, "Unfall — 事故");
    expect(seen.status, await seen.clone().text()).toBe(200);

    const own = await readRecords(session);
    expect(own).toHaveLength(2);
    for (const record of own) {
      const author = { holder: "Dr Aiko Tanaka", role: "Doctor" };
      expect(record).toMatchObject({ verified: "yes", institutionName: "Summit Clinic", author });
    }
    expect(own.map((record) => record.summary?.title).sort()).toEqual(["Paracetamol", "Penicillin"]);

    const states = async (): Promise<string[]> =>
      (await readLog(session)).groups.flatMap((group) => group.lines.map((line) => line.state.verified));
    await expect.poll(states, { timeout: 20_000, interval: 500 }).toEqual(Array<string>(6).fill("yes"));
    const { groups } = await readLog(session);
    expect(groups.map(({ action, actor }) => [action, actor?.kind])).toEqual([
      ["read", "self"],
      ["read", "person"],
      ["write", "person"],
    ]);
    expect(groups[1]?.reason).toBe("Unfall — 事故");

    await endAccess(session, commitment);
    const refused = await summit.ask("GET", `${target}?sections=2`, commitment, "Again");
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ status: 403, code: "grant-revoked" });
    expect(await readRecords(session)).toHaveLength(2);
  });

  it("find each other when the phone's clock is wrong", async () => {
    const session = await open(new Clock(() => Date.now() / 1000 + 5000));
    await session.enrol("A B", "1990-01-01");
    expect(session.me.publishedVersion).toBe(1);
  });
});
