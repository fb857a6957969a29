/** Signs answers as the gateway does, from the text of protocol §7, for tests. */
import { type Bytes, keyId, sha256, toBase64, toHex, utf8 } from "../src/protocol/index.ts";
import type { RequestParts, ResponseParts } from "../src/protocol/http-signature.ts";
import { type Signer, signBytes } from "../src/protocol/key.ts";

/** `drop` leaves out that many of the last components. */
export async function signAnswer(
  gateway: Signer,
  request: Pick<RequestParts, "method" | "path" | "query">,
  requestSignature: string,
  status: number,
  body: Bytes,
  drop = 0,
): Promise<ResponseParts & { headers: Record<string, string> }> {
  const digest = `sha-256=:${toBase64(sha256(body))}:`;
  const lines = [
    ['"@status"', `${status}`],
    ['"content-digest"', digest],
    ['"@method";req', request.method],
    ['"@path";req', request.path],
    ['"@query";req', request.query],
    ['"signature";req;key="wardkey"', requestSignature.replace(/^wardkey=/, "")],
  ].slice(0, 6 - drop);
  const parameters =
    `(${lines.map(([name]) => name).join(" ")});created=1700000000;` +
    `keyid="gateway:${toHex(keyId(gateway.publicKey))}";alg="ecdsa-p256-sha256";tag="wardkey"`;
  const base = lines.map(([name, value]) => `${name}: ${value}\n`).join("") + `"@signature-params": ${parameters}`;
  const signature = await signBytes(gateway, utf8(base));
  const headers: Record<string, string> = {
    "content-digest": digest,
    "signature-input": `wardkey=${parameters}`,
    signature: `wardkey=:${toBase64(signature)}:`,
  };
  return { status, body, headers, header: (name) => headers[name.toLowerCase()] ?? null };
}
