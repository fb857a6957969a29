/**
 * The page's own code against the real gateway (`cargo build --release -p wardkey-gateway` first): first opening, poster,
 * access given and ended, every answer's signature checked.
 */
import "fake-indexeddb/auto";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  SECTIONS,
  type Signer,
  coordinates,
  domainOf,
  keyId,
  newSigner,
  rawPublicKey,
  sign,
  struct,
  toHex,
} from "@wardkey/shared/protocol";
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

const PROGRAM = fileURLToPath(new URL("../../../target/release/wardkey-gateway", import.meta.url));
const REGISTER = struct(
  "RegisterInstitution(bytes32 institution,string name,string country,bytes32 masterX,bytes32 masterY,bytes32 agreementX,bytes32 agreementY,uint64 deadline)",
);

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
  gateway = spawn(PROGRAM, ["--data", data, "--listen", listen], { stdio: ["ignore", "ignore", "inherit"] });
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

/** Registers an institution whose master key is in memory; accredited by the operator. */
async function institution(name: string): Promise<string> {
  const master: Signer = await newSigner();
  const agreement = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, false, ["deriveBits"]);
  const [m, a] = [coordinates(master.publicKey), coordinates(await rawPublicKey(agreement.publicKey))];
  const id = keyId(master.publicKey);
  const deadline = Math.floor(Date.now() / 1000) + 600;
  const keys = { masterX: m.x, masterY: m.y, agreementX: a.x, agreementY: a.y };
  const message = { institution: id, name, country: "CH", ...keys, deadline };
  const signature = await sign(master, domainOf(await network()), REGISTER, message);
  const hex = Object.fromEntries(
    Object.entries(message).map(([field, value]) => [field, value instanceof Uint8Array ? toHex(value) : value]),
  );
  const body = JSON.stringify({ type: "RegisterInstitution", message: hex, signatures: [toHex(signature)] });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${origin}/v1/actions`, { method: "POST", headers, body });
  expect(answer.status, await answer.clone().text()).toBe(200);
  execFileSync(PROGRAM, ["--data", data, "operator", "accredit", toHex(id)], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return toHex(id);
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
    const id = await institution("Harbour Hospital");
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

  it("find each other when the phone's clock is wrong", async () => {
    const session = await open(new Clock(() => Date.now() / 1000 + 5000));
    await session.enrol("A B", "1990-01-01");
    expect(session.me.publishedVersion).toBe(1);
  });
});
