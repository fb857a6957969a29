/**
 * Section key pairs. The phone's own use goes through a non-extractable key; the private half is kept a second time, wrapped
 * by a non-extractable AES key, because a grant has to seal it to an institution.
 */
import { type Bytes, Fault, bytes, concat, fromBase64Url, rawPublicKey, uintBe, utf8 } from "@wardkey/shared/protocol";

const ECDH = { name: "ECDH", namedCurve: "P-256" } as const;
const USAGE: KeyUsage[] = ["deriveBits"];

/** A section's key of one epoch, as it is stored. */
export interface StoredSectionKey {
  /** `section:epoch`. */
  id: string;
  section: number;
  /** From 0. */
  epoch: number;
  publicKey: Bytes;
  pair: CryptoKeyPair;
  wrapped: { iv: Bytes; ct: Bytes };
}

export function newWrappingKey(): Promise<CryptoKey> {
  return crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

/** Associated data that ties a wrapped scalar to its place. */
function place(section: number, epoch: number): Bytes {
  return concat(utf8("wardkey/wrapped/1"), uintBe(section, 1), uintBe(epoch, 4));
}

/** The 32-byte private scalar of an extractable key. */
async function scalarOf(key: CryptoKey): Promise<Bytes> {
  const jwk = await crypto.subtle.exportKey("jwk", key);
  const scalar = fromBase64Url(jwk.d ?? "");
  if (scalar.length !== 32) throw new Fault("key-bad-private", "the browser made an unusable key");
  return scalar;
}

/** Makes the key pair of a section's epoch. */
export async function newSectionKey(wrapping: CryptoKey, section: number, epoch: number): Promise<StoredSectionKey> {
  const made = await crypto.subtle.generateKey(ECDH, true, USAGE);
  const scalar = await scalarOf(made.privateKey);
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", made.privateKey));
  const iv = crypto.getRandomValues(new Uint8Array(12));
  try {
    const additionalData = place(section, epoch);
    const ct = bytes(await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, wrapping, scalar));
    const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, ECDH, false, USAGE);
    return {
      id: `${section}:${epoch}`,
      section,
      epoch,
      publicKey: await rawPublicKey(made.publicKey),
      pair: { privateKey, publicKey: made.publicKey },
      wrapped: { iv, ct },
    };
  } finally {
    scalar.fill(0);
    pkcs8.fill(0);
  }
}

/** Hands the private scalar to `use`, and wipes it afterwards. */
export async function withScalar<T>(
  wrapping: CryptoKey,
  key: StoredSectionKey,
  use: (scalar: Bytes) => Promise<T>,
): Promise<T> {
  const additionalData = place(key.section, key.epoch);
  const cipher = { name: "AES-GCM", iv: key.wrapped.iv, additionalData };
  const scalar = new Uint8Array(await crypto.subtle.decrypt(cipher, wrapping, key.wrapped.ct));
  try {
    return await use(scalar);
  } finally {
    scalar.fill(0);
  }
}
