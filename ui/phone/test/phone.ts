/** A phone for tests: a fresh store, a fixed clock, the test gateway. */
import { IDBFactory } from "fake-indexeddb";
import { Clock } from "../src/clock.ts";
import { Session, type Surroundings } from "../src/patient/session.ts";
import { Database } from "../src/vault/database.ts";
import type { TestGateway } from "./gateway.ts";

export async function surroundings(gateway: TestGateway, factory = new IDBFactory()): Promise<Surroundings> {
  return {
    fetch: gateway.fetch,
    clock: new Clock(),
    random: (length) => crypto.getRandomValues(new Uint8Array(length)),
    database: await Database.open(factory),
  };
}

/** A phone after its first opening. */
export async function phone(gateway: TestGateway, factory = new IDBFactory()): Promise<Session> {
  const session = await Session.start(await surroundings(gateway, factory));
  await session.enrol("Mara Lindqvist", "1985-03-27");
  return session;
}
