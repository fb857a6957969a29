/** The patient of this phone: who, the root key, and the section keys. */
import {
  type Bytes,
  LOG_SECTION,
  SECTIONS,
  type SectionKeysBody,
  type Signer,
  type Domain,
  keyId,
  newSigner,
  signSectionKeys,
} from "@wardkey/shared/protocol";
import type { Database } from "./database.ts";
import { type StoredSectionKey, newSectionKey, newWrappingKey } from "./section-key.ts";

export interface Patient {
  id: "self";
  /** SHA-256 of the root key. */
  patientId: Bytes;
  name: string;
  /** `YYYY-MM-DD`. */
  birthDate: string;
  root: Signer;
  wrapping: CryptoKey;
  /** Version of the list of section keys; it grows with every new epoch. */
  keysVersion: number;
  /** The version the gateway has acknowledged; 0 before the first. */
  publishedVersion: number;
}

/** Makes all keys of a new patient and keeps them. Nothing leaves the phone. */
export async function createPatient(database: Database, name: string, birthDate: string): Promise<Patient> {
  const root = await newSigner();
  const wrapping = await newWrappingKey();
  const numbers = [...SECTIONS.keys(), LOG_SECTION];
  const keys = await Promise.all(numbers.map((section) => newSectionKey(wrapping, section, 0)));
  const patient: Patient = {
    id: "self",
    patientId: keyId(root.publicKey),
    name,
    birthDate,
    root,
    wrapping,
    keysVersion: 1,
    publishedVersion: 0,
  };
  await database.put([["patient", patient], ...keys.map((key) => ["sections", key] as const)]);
  return patient;
}

export function loadPatient(database: Database): Promise<Patient | undefined> {
  return database.get<Patient>("patient", "self");
}

/** Every section key, by section and then epoch. */
export async function sectionKeys(database: Database): Promise<StoredSectionKey[]> {
  const keys = await database.all<StoredSectionKey>("sections");
  return keys.sort((a, b) => a.section - b.section || a.epoch - b.epoch);
}

/** The signed list of public keys, as it is published. */
export async function publishable(database: Database, domain: Domain, patient: Patient): Promise<SectionKeysBody> {
  const keys = (await sectionKeys(database)).map(({ section, epoch, publicKey }) => ({
    section,
    epoch,
    key: publicKey,
  }));
  return signSectionKeys(patient.root, domain, patient.patientId, patient.keysVersion, keys);
}

/** Adds the next epoch to each of these sections; what is written from now on is sealed to it. */
export async function nextEpoch(database: Database, patient: Patient, sections: number[]): Promise<Patient> {
  const known = await sectionKeys(database);
  const made = await Promise.all(
    sections.map((section) => {
      const epochs = known.filter((key) => key.section === section).map((key) => key.epoch);
      return newSectionKey(patient.wrapping, section, Math.max(-1, ...epochs) + 1);
    }),
  );
  const changed: Patient = { ...patient, keysVersion: patient.keysVersion + 1 };
  await database.put([["patient", changed], ...made.map((key) => ["sections", key] as const)]);
  return changed;
}
