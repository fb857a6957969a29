/** Byte strings and the text forms of protocol §1. */
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { Fault } from "./fault.ts";

/** Bytes in a buffer of their own, as WebCrypto wants them. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** A copy of any byte view. */
export function bytes(from: ArrayBuffer | ArrayLike<number>): Bytes {
  return new Uint8Array(from instanceof ArrayBuffer ? from.slice(0) : Array.from(from));
}

/** SHA-256 of the parts one after the other, 32 bytes. */
export function sha256(...parts: Uint8Array[]): Bytes {
  return new Uint8Array(nobleSha256(concat(...parts)));
}

export function concat(...parts: Uint8Array[]): Bytes {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function utf8(text: string): Bytes {
  return new Uint8Array(new TextEncoder().encode(text));
}

/** Text of UTF-8 bytes; refuses anything else. */
export function fromUtf8(data: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(data);
}

/** Lower-case hex without `0x`. */
export function toHex(data: Uint8Array): string {
  return Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Reads hex of exactly `length` bytes (any length when left out). Throws `malformed`. */
export function fromHex(text: string, length?: number): Bytes {
  if (typeof text !== "string" || !/^(?:[0-9a-f]{2})*$/i.test(text))
    throw new Fault("malformed", "expected hex digits");
  if (length !== undefined && text.length !== 2 * length)
    throw new Fault("malformed", `expected ${length} bytes in hex`);
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** base64url without padding. */
export function toBase64Url(data: Uint8Array): string {
  return toBase64(data).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function fromBase64Url(text: string): Bytes {
  if (typeof text !== "string" || !/^[\w-]*$/.test(text)) throw new Fault("malformed", "expected base64url");
  return fromBase64(text.replaceAll("-", "+").replaceAll("_", "/"));
}

/** base64 with padding, as HTTP structured fields write bytes (RFC 8941 §3.3.5). */
export function toBase64(data: Uint8Array): string {
  let text = "";
  for (let at = 0; at < data.length; at += 0x8000) text += String.fromCharCode(...data.subarray(at, at + 0x8000));
  return btoa(text);
}

export function fromBase64(text: string): Bytes {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    throw new Fault("malformed", "expected base64");
  }
}

/** Big-endian unsigned integer of `length` bytes. */
export function uintBe(value: number | bigint, length: number): Bytes {
  const out = new Uint8Array(length);
  let rest = BigInt(value);
  if (rest < 0n || rest >= 1n << BigInt(8 * length))
    throw new Fault("malformed", `number does not fit ${length} bytes`);
  for (let at = length - 1; at >= 0; at -= 1) {
    out[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return out;
}

/** The number that big-endian bytes stand for. */
export function fromUintBe(data: Uint8Array): bigint {
  return data.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}
