/** The grant document: canonical bytes and commitment (protocol §2). */
import { type Bytes, equal, fromUintBe, sha256 } from "./bytes.ts";
import { type MessageOf, abiEncode } from "./eip712.ts";
import { Fault } from "./fault.ts";
import { GRANT_DOCUMENT } from "./types.ts";

export type GrantDocument =
  MessageOf<"GrantDocument(bytes32 patient,bytes32 institution,uint32 read,uint32 write,uint8 purpose,uint64 notBefore,uint64 expiry,bytes32 salt,bytes32 keyX,bytes32 keyY,uint256 chainId,address wardkey)">;

/** HL7 PurposeOfUse. */
export const TREATMENT = 1;

/** 384 bytes. */
export function canonical(document: GrantDocument): Bytes {
  return abiEncode(GRANT_DOCUMENT, document);
}

/** SHA-256 of the canonical bytes: all that the chain ever sees. */
export function commitment(document: GrantDocument): Bytes {
  return sha256(canonical(document));
}

/** Reads canonical bytes; refuses any other encoding. */
export function parseGrant(data: Bytes): GrantDocument {
  if (data.length !== 384) throw new Fault("grant-malformed", "not 384 bytes");
  const word = (at: number): Bytes => data.slice(32 * at, 32 * at + 32);
  const uint = (at: number): number => {
    const value = fromUintBe(word(at));
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Fault("grant-malformed", "number out of range");
    return Number(value);
  };
  const document: GrantDocument = {
    patient: word(0),
    institution: word(1),
    read: uint(2),
    write: uint(3),
    purpose: uint(4),
    notBefore: uint(5),
    expiry: uint(6),
    salt: word(7),
    keyX: word(8),
    keyY: word(9),
    chainId: uint(10),
    wardkey: word(11).slice(12),
  };
  if (!equal(canonical(document), data)) throw new Fault("grant-malformed", "not the canonical encoding");
  return document;
}
