/** P-256 keys and signatures in the one form of protocol §1. */
import { type Bytes, bytes, concat, fromUintBe, sha256, toHex, uintBe } from "./bytes.ts";
import { type Domain, preimage } from "./domain.ts";
import type { Struct } from "./eip712.ts";
import { Fault } from "./fault.ts";

const ECDSA = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGN = { name: "ECDSA", hash: "SHA-256" } as const;
/** Order of the group of P-256 (SEC 2 §2.4.2). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** A signing key that cannot leave the browser, with its public key (65 bytes). */
export interface Signer {
  readonly key: CryptoKey;
  readonly publicKey: Bytes;
}

/** Makes a signing key; its private half can be used but never read. */
export async function newSigner(): Promise<Signer> {
  const pair = await crypto.subtle.generateKey(ECDSA, false, ["sign", "verify"]);
  return { key: pair.privateKey, publicKey: await rawPublicKey(pair.publicKey) };
}

export async function rawPublicKey(key: CryptoKey): Promise<Bytes> {
  return bytes(await crypto.subtle.exportKey("raw", key));
}

/** SHA-256 of the 65-byte point. */
export function keyId(publicKey: Uint8Array): Bytes {
  return sha256(publicKey);
}

/** The coordinates of a 65-byte point. */
export function coordinates(publicKey: Bytes): { x: Bytes; y: Bytes } {
  if (publicKey.length !== 65 || publicKey[0] !== 4)
    throw new Fault("key-bad-public", "not an uncompressed P-256 point");
  return { x: publicKey.slice(1, 33), y: publicKey.slice(33) };
}

/** The 65-byte point with these coordinates. */
export function point(x: Bytes, y: Bytes): Bytes {
  return concat(Uint8Array.of(4), x, y);
}

/** The same signature with s in the lower half of the group. */
export function lowS(signature: Bytes): Bytes {
  const s = fromUintBe(signature.subarray(32));
  return s > ORDER / 2n ? concat(signature.subarray(0, 32), uintBe(ORDER - s, 32)) : signature;
}

/** Signs bytes; 64 bytes r‖s, low-S. */
export async function signBytes(signer: Signer, data: Bytes): Promise<Bytes> {
  return lowS(bytes(await crypto.subtle.sign(SIGN, signer.key, data)));
}

/** Signs a typed struct. */
export function sign<M>(signer: Signer, domain: Domain, type: Struct<M>, message: M): Promise<Bytes> {
  return signBytes(signer, preimage(domain, type, message));
}

const imported = new Map<string, Promise<CryptoKey>>();

function verifier(publicKey: Bytes): Promise<CryptoKey> {
  const name = toHex(publicKey);
  let key = imported.get(name);
  if (!key) {
    key = crypto.subtle.importKey("raw", publicKey, ECDSA, false, ["verify"]);
    if (imported.size > 256) imported.clear();
    imported.set(name, key);
  }
  return key;
}

/** Whether `signature` over `data` holds; high-S and anything malformed does not. */
export async function verifyBytes(publicKey: Bytes, data: Bytes, signature: Bytes): Promise<boolean> {
  if (signature.length !== 64 || fromUintBe(signature.subarray(32)) > ORDER / 2n) return false;
  try {
    return await crypto.subtle.verify(SIGN, await verifier(publicKey), signature, data);
  } catch {
    return false;
  }
}

/** Whether a signature over a typed struct holds. */
export function verify<M>(
  publicKey: Bytes,
  domain: Domain,
  type: Struct<M>,
  message: M,
  signature: Bytes,
): Promise<boolean> {
  return verifyBytes(publicKey, preimage(domain, type, message), signature);
}
