/** The formats as the Rust side computes them: `tests/vectors/protocol.json`, written by `core/tests/vectors.rs`. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  type Bytes,
  DELEGATION,
  type Device,
  GRANT,
  GRANT_DOCUMENT,
  type LogEvent,
  RECEIPT,
  type RecordEnvelope,
  SECTION_KEYS,
  canonical,
  commitment,
  contentDigest,
  delegationMessage,
  digest,
  domainOf,
  eventLeaf,
  fromHex,
  fromUtf8,
  hashStruct,
  headerDigest,
  keyId,
  leafHash,
  open,
  openRecord,
  packSectionKeys,
  parseByteDictionary,
  parseGrant,
  preimage,
  rawPublicKey,
  separator,
  signatureBase,
  toBase64Url,
  toHex,
  utf8,
  verify,
  verifyBytes,
  verifyRecord,
} from "../src/protocol/index.ts";

const file = new URL("../../../tests/vectors/protocol.json", import.meta.url);
const { computed, made } = JSON.parse(readFileSync(file, "utf8"));
const domain = domainOf(computed.domain);
const publicKey = (n: number): Bytes => fromHex(computed.publicKeys[n - 1], 65);
const document = parseGrant(fromHex(computed.grantDocument.canonical));

/** The key pair whose private key is 32 bytes of the value `n`. */
async function pair(n: number): Promise<CryptoKeyPair> {
  const key = publicKey(n);
  const [x, y] = [toBase64Url(key.slice(1, 33)), toBase64Url(key.slice(33))];
  const jwk = { kty: "EC", crv: "P-256", x, y };
  const ecdh = { name: "ECDH", namedCurve: "P-256" };
  const d = toBase64Url(new Uint8Array(32).fill(n));
  return {
    publicKey: await crypto.subtle.importKey("jwk", jwk, ecdh, true, []),
    privateKey: await crypto.subtle.importKey("jwk", { ...jwk, d }, ecdh, false, ["deriveBits"]),
  };
}

describe("computed as in Rust", () => {
  it("domain separator", () => {
    expect(toHex(separator(domain))).toBe(computed.separator);
  });

  it("grant document", () => {
    expect(toHex(canonical(document))).toBe(computed.grantDocument.canonical);
    expect(toHex(commitment(document))).toBe(computed.grantDocument.commitment);
    expect(toHex(preimage(domain, GRANT_DOCUMENT, document))).toBe(computed.grantDocument.preimage);
  });

  it("Grant action", () => {
    const action = { commitment: commitment(document), deadline: 1_790_000_300 };
    expect(toHex(preimage(domain, GRANT, action))).toBe(computed.grantAction.preimage);
    expect(toHex(digest(domain, GRANT, action))).toBe(computed.grantAction.digest);
  });

  it("section keys", () => {
    const { version, keys } = computed.sectionKeys;
    const packed = packSectionKeys(
      keys.map((k: { section: number; epoch: number; key: string }) => ({ ...k, key: fromHex(k.key, 65) })),
    );
    const message = { patient: keyId(publicKey(1)), version, keys: packed };
    expect(toHex(preimage(domain, SECTION_KEYS, message))).toBe(computed.sectionKeys.preimage);
  });

  it("delegation", () => {
    const message = delegationMessage(computed.delegation.delegation);
    expect(toHex(preimage(domain, DELEGATION, message))).toBe(computed.delegation.preimage);
  });

  it("record header, log event, receipt", () => {
    expect(toHex(headerDigest(computed.recordHeader.header))).toBe(computed.recordHeader.hashStruct);
    const leaf = eventLeaf(computed.logEvent.event as LogEvent);
    expect(toHex(leaf)).toBe(computed.logEvent.leaf);
    expect(toHex(leafHash(leaf))).toBe(computed.logEvent.leafHash);
    expect(toHex(hashStruct(RECEIPT, { index: 9, leaf, time: 1_790_000_201 }))).toBe(computed.receipt.hashStruct);
  });
});

describe("made in Rust", () => {
  it("signatures hold", async () => {
    const signature = fromHex(made.grantDocumentSignature, 64);
    expect(await verify(publicKey(1), domain, GRANT_DOCUMENT, document, signature)).toBe(true);
    const action = { commitment: commitment(document), deadline: made.grantAction.message.deadline };
    expect(made.grantAction.keys).toEqual([computed.publicKeys[2]]);
    expect(await verify(publicKey(3), domain, GRANT, action, fromHex(made.grantAction.signatures[0], 64))).toBe(true);
  });

  it("a sealed message opens", async () => {
    const key = await pair(made.sealed.recipient);
    expect(toHex(await rawPublicKey(key.publicKey))).toBe(computed.publicKeys[6]);
    const plain = await open(key, domain, made.sealed.label, fromHex(made.sealed.aad), made.sealed.sealed);
    expect(fromUtf8(plain)).toBe("sealed by Rust");
    await expect(open(key, domain, "wardkey/label/1", fromHex(made.sealed.aad), made.sealed.sealed)).rejects.toThrow();
  });

  it("a record verifies and opens", async () => {
    const record = made.record as RecordEnvelope;
    const device: Device = {
      id: record.header.device,
      key: computed.publicKeys[3],
      institution: record.header.institution,
      status: "active",
      rights: 3,
      notAfter: 1_800_000_000,
      certificate: "0".repeat(64),
    };
    await expect(verifyRecord(domain, record, device, undefined)).resolves.toBeUndefined();
    const plain = await openRecord(domain, record, await pair(7));
    expect(fromUtf8(plain)).toBe('{"resourceType":"AllergyIntolerance"}');
  });

  it("a signed request verifies", async () => {
    const { contentDigest: told, signatureInput, signature } = made.httpRequest;
    expect(contentDigest(utf8("{}"))).toBe(told);
    const base = signatureBase(
      [
        ['"@method"', "POST"],
        ['"@path"', "/v1/grants"],
        ['"@query"', "?"],
        ['"content-digest"', told],
      ],
      signatureInput.slice("wardkey=".length),
    );
    const bytes = parseByteDictionary(signature).get("wardkey") as Bytes;
    expect(await verifyBytes(publicKey(1), base, bytes)).toBe(true);
  });
});
