/** What every action of the patient needs: store, keys, network and the way to the gateway. */
import { type Bytes, type Domain, Fault, domainOf, toHex } from "@wardkey/shared/protocol";
import { Clock } from "../clock.ts";
import { Client, type Fetch } from "../gateway/client.ts";
import type { Network } from "../gateway/types.ts";
import { Database } from "../vault/database.ts";
import { type Patient, createPatient, loadPatient, publishable } from "../vault/patient.ts";
import { Registry } from "./registry.ts";

/** What comes from outside, so that tests can give their own. */
export interface Surroundings {
  fetch: Fetch;
  clock: Clock;
  random: (length: number) => Bytes;
  database: Database;
}

export async function browserSurroundings(): Promise<Surroundings> {
  return {
    fetch: (target, init) => fetch(target, init),
    clock: new Clock(),
    random: (length) => crypto.getRandomValues(new Uint8Array(length)),
    database: await Database.open(),
  };
}

export class Session {
  readonly client: Client;
  readonly registry: Registry;
  readonly domain: Domain;

  private constructor(
    readonly around: Surroundings,
    readonly network: Network,
    client: Client,
    /** Absent until the first opening is done. */
    public patient: Patient | undefined,
  ) {
    this.client = client;
    this.domain = domainOf(network);
    this.registry = new Registry(client, this.domain);
  }

  /** Asks for the network and loads the patient. Throws `network-changed` when this is not the network of the first opening. */
  static async start(around: Surroundings): Promise<Session> {
    const client = new Client(around.fetch, around.clock, around.random);
    const network = await client.get<Network>("/v1/network");
    await remember(around.database, network);
    return new Session(around, network, client, await loadPatient(around.database));
  }

  get database(): Database {
    return this.around.database;
  }

  now(): number {
    return this.around.clock.now();
  }

  /** The patient; only called behind the first opening. */
  get me(): Patient {
    if (!this.patient) throw new Fault("not-enrolled", "the first opening is not done");
    return this.patient;
  }

  get myId(): string {
    return toHex(this.me.patientId);
  }

  /** First opening: makes the keys, keeps them, publishes the public ones. */
  async enrol(name: string, birthDate: string): Promise<void> {
    this.patient ??= await createPatient(this.database, name, birthDate);
    await this.publishKeys();
  }

  /** Publishes the section keys if the gateway does not have the newest list. */
  async publishKeys(): Promise<void> {
    const { me } = this;
    if (me.publishedVersion === me.keysVersion) return;
    const body = await publishable(this.database, this.domain, me);
    await this.signed("PUT", `/v1/patients/${this.myId}/section-keys`, body);
    this.patient = { ...me, publishedVersion: me.keysVersion };
    await this.database.put([["patient", this.patient]]);
  }

  signed<T>(method: string, target: string, value?: unknown): Promise<T> {
    return this.client.signed<T>(this.me.root, this.network.gateway, method, target, value);
  }
}

/** The network of the first opening is the only one: another key or contract later is a stop. */
async function remember(database: Database, network: Network): Promise<void> {
  const { chainId, contract, salt, gateway } = network;
  const known = await database.get<Pick<Network, "chainId" | "contract" | "salt" | "gateway">>("memory", "network");
  if (!known) {
    await database.put([["memory", { name: "network", chainId, contract, salt, gateway }]]);
    return;
  }
  const same =
    known.chainId === chainId && known.contract === contract && known.salt === salt && known.gateway === gateway;
  if (!same) throw new Fault("network-changed", "not the network of the first opening");
}
