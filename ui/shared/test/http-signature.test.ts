import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Bytes, fromBase64, fromUtf8, keyId, newSigner, toBase64, toHex, utf8 } from "../src/protocol/index.ts";
import { lowS, verifyBytes } from "../src/protocol/key.ts";
import {
  type RequestParts,
  type ResponseParts,
  contentDigest,
  signRequest,
  signatureBase,
  splitTarget,
  verifyResponse,
} from "../src/protocol/http-signature.ts";
import { type SignatureInput, parseByteDictionary, parseSignatureInput } from "../src/protocol/structured-field.ts";
import { signAnswer } from "./answer.ts";

// What RFC 9421 prints in §2.4 and appendix B; `core/src/http_signature.rs` reads the same file.
const rfc = JSON.parse(readFileSync(new URL("../../../tests/vectors/rfc9421.json", import.meta.url), "utf8"));
interface Example {
  section: string;
  lines: [string, string][];
  parameters: string;
  key: string;
  signature: string;
}
const examples: Example[] = rfc.examples;

/** Verifies a signature of the RFC's; its keys are of three kinds. */
async function holds({ key, signature }: Example, base: Bytes): Promise<boolean> {
  const spki = fromBase64(rfc.keys[key]);
  if (key === "test-key-ecc-p256") return verifyBytes(spki.slice(26), base, lowS(fromBase64(signature)));
  const ed = key === "test-key-ed25519";
  const kind = ed ? { name: "Ed25519" } : { name: "RSA-PSS", hash: "SHA-512" };
  const imported = await crypto.subtle.importKey("spki", spki, kind, false, ["verify"]);
  return crypto.subtle.verify(ed ? kind : { name: "RSA-PSS", saltLength: 64 }, imported, fromBase64(signature), base);
}

describe("RFC 9421", () => {
  it.each(examples)("makes the signature base of $section, which its signature fits", async (example) => {
    const { path, query } = splitTarget(rfc.request.target);
    const own: Record<string, string> = { "@method": rfc.request.method, "@path": path, "@query": query };
    const { components, text } = parseSignatureInput(`x=${example.parameters}`).get("x") as SignatureInput;
    expect(components.map((component) => component.text)).toEqual(example.lines.map(([name]) => name));
    const lines = components.map((component, i): [string, string] => [
      component.text,
      own[component.name] ?? example.lines[i]?.[1] ?? "",
    ]);
    const base = signatureBase(lines, text);
    expect(await holds(example, base)).toBe(true);
    expect(await holds(example, utf8(`${fromUtf8(base)} `))).toBe(false);
  });

  it("reads its fields", () => {
    const { parameters, signature } = examples.find(({ section }) => section === "B.2.4") as Example;
    const input = parseSignatureInput(`sig-b24=${parameters}, other=("@method";req);tag="x"`);
    expect(input.get("sig-b24")?.text).toBe(parameters);
    expect(input.get("sig-b24")?.parameters.get("created")).toBe(1618884473);
    expect(input.get("other")?.components[0]?.parameters.get("req")).toBe(true);
    expect(toBase64(parseByteDictionary(`a=:${signature}:`).get("a") as Bytes)).toBe(signature);
    for (const bad of ["x", "x=(", 'x=("a"', 'x=("a" "b);', "x=:a b:", 'x=("a"),']) {
      expect(() => (bad.includes(":") ? parseByteDictionary(bad) : parseSignatureInput(bad)), bad).toThrow();
    }
  });
});

describe("a signed request and its answer", async () => {
  const patient = await newSigner();
  const gateway = await newSigner();
  const keyid = `gateway:${toHex(keyId(gateway.publicKey))}`;
  const request: RequestParts = {
    method: "POST",
    ...splitTarget("/v1/patients/x/records?sections=1,2"),
    headers: { "wardkey-reason": "emergency" },
    body: utf8("{}"),
  };
  const headers = await signRequest(request, patient, "patient:x", 1_700_000_000, new Uint8Array(16));
  const sent = headers["signature"] ?? "";
  const answer = await signAnswer(gateway, request, sent, 200, utf8('{"a":1}'));

  it("covers method, path, query, digest and the reason, in the protocol's order", async () => {
    expect(headers["signature-input"]).toBe(
      'wardkey=("@method" "@path" "@query" "content-digest" "wardkey-reason");created=1700000000;' +
        'nonce="AAAAAAAAAAAAAAAAAAAAAA";keyid="patient:x";alg="ecdsa-p256-sha256";tag="wardkey"',
    );
    const base = utf8(
      `"@method": POST\n"@path": /v1/patients/x/records\n"@query": ?sections=1,2\n"content-digest": ${contentDigest(utf8("{}"))}\n` +
        `"wardkey-reason": emergency\n"@signature-params": ${headers["signature-input"]?.slice("wardkey=".length)}`,
    );
    const signature = parseByteDictionary(sent).get("wardkey") as Bytes;
    expect(await verifyBytes(patient.publicKey, base, signature)).toBe(true);
  });

  it("takes the gateway's answer to this request", async () => {
    await expect(verifyResponse(request, sent, answer, gateway.publicKey, keyid)).resolves.toBeUndefined();
  });

  const refusals: [string, () => Promise<[RequestParts, string, ResponseParts]>][] = [
    ["another status", async () => [request, sent, { ...answer, status: 201 }]],
    ["an altered body", async () => [request, sent, { ...answer, body: utf8('{"a":2}') }]],
    ["another query", async () => [{ ...request, query: "?sections=1" }, sent, answer]],
    ["another path", async () => [{ ...request, path: "/v1/x" }, sent, answer]],
    ["another request", async () => [request, `wardkey=:${toBase64(new Uint8Array(64))}:`, answer]],
    ["no signature", async () => [request, sent, { ...answer, header: () => null }]],
    ["another signer", async () => [request, sent, await signAnswer(patient, request, sent, 200, answer.body)]],
    [
      "a component left out",
      async () => [request, sent, await signAnswer(gateway, request, sent, 200, answer.body, 1)],
    ],
  ];
  it.each(refusals)("refuses %s", async (_, made) => {
    const [asked, signature, given] = await made();
    await expect(verifyResponse(asked, signature, given, gateway.publicKey, keyid)).rejects.toMatchObject({
      code: expect.stringMatching(/answer-unsigned|malformed/),
    });
  });
});
