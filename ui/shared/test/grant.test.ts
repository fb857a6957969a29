import { describe, expect, it } from "vitest";
import {
  type GrantDocument,
  GRANT_DOCUMENT,
  SECTIONS,
  canonical,
  commitment,
  fromHex,
  keyId,
  lowS,
  maskOf,
  newSigner,
  parseGrant,
  parsePoster,
  sameName,
  sectionsIn,
  sha256,
  sign,
  signSectionKeys,
  toHex,
  verify,
  verifySectionKeys,
} from "../src/protocol/index.ts";

const domain = { chainId: 31_337, contract: fromHex("11".repeat(20)), salt: fromHex("22".repeat(32)) };
const document: GrantDocument = {
  patient: fromHex("01".repeat(32)),
  institution: fromHex("02".repeat(32)),
  read: 0x7ffff,
  write: 0x20000,
  purpose: 1,
  notBefore: 1_700_000_000,
  expiry: 1_700_086_400,
  salt: fromHex("03".repeat(32)),
  keyX: fromHex("04".repeat(32)),
  keyY: fromHex("05".repeat(32)),
  chainId: 31_337,
  wardkey: domain.contract,
};

describe("grant document", () => {
  it("is 384 bytes and reads back", () => {
    expect(canonical(document)).toHaveLength(384);
    expect(parseGrant(canonical(document))).toEqual(document);
    expect(commitment(document)).toEqual(sha256(canonical(document)));
  });

  it("has no second encoding", () => {
    const data = canonical(document);
    data[11 * 32] = 1; // above the address
    expect(() => parseGrant(data)).toThrow("canonical");
    expect(() => parseGrant(data.slice(1))).toThrow("384");
  });

  it("is signed low-S, and one changed bit breaks the signature", async () => {
    const root = await newSigner();
    for (let i = 0; i < 20; i += 1) {
      const signature = await sign(root, domain, GRANT_DOCUMENT, document);
      expect(lowS(signature)).toEqual(signature);
      expect(await verify(root.publicKey, domain, GRANT_DOCUMENT, document, signature)).toBe(true);
      const other = { ...document, read: document.read ^ (1 << (i % 19)) };
      expect(await verify(root.publicKey, domain, GRANT_DOCUMENT, other, signature)).toBe(false);
      expect(await verify(root.publicKey, { ...domain, chainId: 1 }, GRANT_DOCUMENT, document, signature)).toBe(false);
    }
  });

  it("refuses the high-S twin of a good signature", async () => {
    const root = await newSigner();
    const good = await sign(root, domain, GRANT_DOCUMENT, document);
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const s = order - BigInt(`0x${toHex(good.slice(32))}`);
    const twin = fromHex(toHex(good.slice(0, 32)) + s.toString(16).padStart(64, "0"), 64);
    expect(await verify(root.publicKey, domain, GRANT_DOCUMENT, document, twin)).toBe(false);
    expect(lowS(twin)).toEqual(good);
  });
});

describe("sections", () => {
  it("have the protocol's numbers", () => {
    expect(SECTIONS).toHaveLength(19);
    expect(maskOf(["demographics", "allergies", "documents"])).toBe(0b1000000000000000101);
    expect(sectionsIn(maskOf(SECTIONS))).toEqual([...SECTIONS]);
  });

  it("keys are published under one signature", async () => {
    const root = await newSigner();
    const patient = keyId(root.publicKey);
    const key = (await newSigner()).publicKey;
    const body = await signSectionKeys(root, domain, patient, 2, [{ section: 2, epoch: 1, key }]);
    expect(await verifySectionKeys(root.publicKey, domain, patient, body)).toBe(true);
    expect(await verifySectionKeys(root.publicKey, domain, patient, { ...body, version: 3 })).toBe(false);
  });
});

describe("poster", () => {
  const link = `https://x.example/#/scan?v=1&c=31337&k=${"11".repeat(20)}&i=${"02".repeat(32)}&n=Harbour%20Hospital`;

  it("is read with and without its origin", () => {
    const poster = {
      chainId: 31_337,
      contract: "11".repeat(20),
      institution: "02".repeat(32),
      name: "Harbour Hospital",
    };
    expect(parsePoster(link)).toEqual(poster);
    expect(parsePoster(link.slice(link.indexOf("#")))).toEqual(poster);
  });

  it.each([
    ["text", "hello", "poster-unreadable"],
    ["another page", "https://x.example/", "poster-unreadable"],
    ["another version", link.replace("v=1", "v=2"), "poster-version"],
    ["a short id", link.replace("0202", ""), "poster-unreadable"],
    ["no chain", link.replace("c=31337", "c=x"), "poster-unreadable"],
  ])("refuses %s", (_, text, code) => {
    expect(() => parsePoster(text)).toThrow(expect.objectContaining({ code }));
  });

  it("compares names as a reader does", () => {
    expect(sameName("Harbour  Hospital ", "Harbour Hospital")).toBe(true);
    expect(sameName("Cafe\u0301", "Caf\u00e9")).toBe(true);
    expect(sameName("Harbour Hospital", "Harbor Hospital")).toBe(false);
    expect(sameName("Hаrbour", "Harbour")).toBe(false); // a Cyrillic letter
  });
});
