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
import { parseByteDictionary, parseSignatureInput } from "../src/protocol/structured-field.ts";
import { signAnswer } from "./answer.ts";

// RFC 9421 appendix B.1.3 (key) and B.2.4 (a response signed with ecdsa-p256-sha256).
const RFC_KEY = "BKiFWGVSwqz2Rxh4z9ewk1tP/g/S38NBJI6he8QeBYrwMc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0=";
const RFC_PARAMETERS =
  '("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256"';
const RFC_SIGNATURE = "wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==";

describe("RFC 9421", () => {
  it("makes the signature base of appendix B.2.4, which its signature fits", async () => {
    const base = signatureBase(
      [
        ['"@status"', "200"],
        ['"content-type"', "application/json"],
        [
          '"content-digest"',
          "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:",
        ],
        ['"content-length"', "23"],
      ],
      RFC_PARAMETERS,
    );
    expect(await verifyBytes(fromBase64(RFC_KEY), base, lowS(fromBase64(RFC_SIGNATURE)))).toBe(true);
    expect(await verifyBytes(fromBase64(RFC_KEY), utf8(`${fromUtf8(base)} `), lowS(fromBase64(RFC_SIGNATURE)))).toBe(
      false,
    );
  });

  it("reads its fields", () => {
    const input = parseSignatureInput(`sig-b24=${RFC_PARAMETERS}, other=("@method";req);tag="x"`);
    expect(input.get("sig-b24")?.text).toBe(RFC_PARAMETERS);
    expect(input.get("sig-b24")?.parameters.get("created")).toBe(1618884473);
    expect(input.get("other")?.components[0]?.parameters.get("req")).toBe(true);
    expect(toBase64(parseByteDictionary(`a=:${RFC_SIGNATURE}:`).get("a") as Bytes)).toBe(RFC_SIGNATURE);
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
