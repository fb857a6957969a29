/** HTTP message signatures (RFC 9421) as the protocol uses them (protocol §7, "Signed requests"). */
import { type Bytes, equal, sha256, toBase64, toBase64Url, utf8 } from "./bytes.ts";
import { Fault } from "./fault.ts";
import { type Signer, signBytes, verifyBytes } from "./key.ts";
import { type Component, type SignatureInput, parseByteDictionary, parseSignatureInput } from "./structured-field.ts";

const LABEL = "wardkey";
const ALGORITHM = "ecdsa-p256-sha256";
/** Headers that are covered whenever they are sent. */
const COVERED_HEADERS = ["wardkey-permission", "wardkey-reason"];

/** What of a request is signed. */
export interface RequestParts {
  method: string;
  /** Path, e.g. `/v1/grants`. */
  path: string;
  /** With its leading `?`; `?` alone when there is none (RFC 9421 §2.2.7). */
  query: string;
  /** Lower-case names. */
  headers: Record<string, string>;
  body?: Bytes;
}

/** RFC 9530, `sha-256=:…:`. */
export function contentDigest(body: Uint8Array): string {
  return `sha-256=:${toBase64(sha256(body))}:`;
}

/** Splits a target such as `/v1/x?y=1`. */
export function splitTarget(target: string): { path: string; query: string } {
  const at = target.indexOf("?");
  return at < 0 ? { path: target, query: "?" } : { path: target.slice(0, at), query: target.slice(at) };
}

/** The bytes that are signed (RFC 9421 §2.5). */
export function signatureBase(lines: [component: string, value: string][], parameters: string): Bytes {
  const text = lines.map(([component, value]) => `${component}: ${value}\n`).join("");
  return utf8(`${text}"@signature-params": ${parameters}`);
}

/** The headers that sign a request: `content-digest` with a body, `signature-input`, `signature`. */
export async function signRequest(
  request: RequestParts,
  signer: Signer,
  keyid: string,
  created: number,
  nonce: Bytes,
): Promise<Record<string, string>> {
  const out: Record<string, string> = {};
  const lines: [string, string][] = [
    ['"@method"', request.method],
    ['"@path"', request.path],
    ['"@query"', request.query],
  ];
  if (request.body) {
    out["content-digest"] = contentDigest(request.body);
    lines.push(['"content-digest"', out["content-digest"]]);
  }
  for (const name of COVERED_HEADERS) {
    const value = request.headers[name];
    if (value !== undefined) lines.push([`"${name}"`, value]);
  }
  const list = `(${lines.map(([component]) => component).join(" ")})`;
  const parameters = `${list};created=${created};nonce="${toBase64Url(nonce)}";keyid="${keyid}";alg="${ALGORITHM}";tag="wardkey"`;
  const signature = await signBytes(signer, signatureBase(lines, parameters));
  out["signature-input"] = `${LABEL}=${parameters}`;
  out["signature"] = `${LABEL}=:${toBase64(signature)}:`;
  return out;
}

/** What of an answer is checked. */
export interface ResponseParts {
  status: number;
  header: (name: string) => string | null;
  body: Bytes;
}

/** Components that every answer to a signed request must cover. */
const RESPONSE_COMPONENTS = [
  '"@status"',
  '"content-digest"',
  '"@method";req',
  '"@path";req',
  '"@query";req',
  '"signature";req;key="wardkey"',
];

/** One spelling for a component, whatever the order of its parameters. */
function canonicalName(component: Component): string {
  const { name, parameters } = component;
  const key = parameters.get("key");
  return `"${name}"${parameters.get("req") ? ";req" : ""}${key === undefined ? "" : `;key="${String(key)}"`}`;
}

/** The value of a component that an answer may cover. */
function responseValue(name: string, request: RequestParts, requestSignature: string, response: ResponseParts): string {
  switch (name) {
    case '"@status"':
      return String(response.status);
    case '"content-digest"':
      return response.header("content-digest") ?? "";
    case '"@method";req':
      return request.method;
    case '"@path";req':
      return request.path;
    case '"@query";req':
      return request.query;
    case '"signature";req;key="wardkey"':
      return requestSignature.slice(LABEL.length + 1);
    default:
      throw refused(`unexpected component ${name}`);
  }
}

function refused(why: string): Fault {
  return new Fault("answer-unsigned", why);
}

function readSignature(response: ResponseParts): { input: SignatureInput; signature: Bytes } {
  const input = parseSignatureInput(response.header("signature-input") ?? "").get(LABEL);
  const signature = parseByteDictionary(response.header("signature") ?? "").get(LABEL);
  if (!input || !signature) throw refused("the answer carries no signature");
  return { input, signature };
}

/**
 * Checks that the gateway signed this answer to exactly this request. `requestSignature` is the request's `signature`
 * header, `keyid` is `gateway:<gatewayId>`. Throws `answer-unsigned`.
 */
export async function verifyResponse(
  request: RequestParts,
  requestSignature: string,
  response: ResponseParts,
  gatewayKey: Bytes,
  keyid: string,
): Promise<void> {
  const { input, signature } = readSignature(response);
  const names = input.components.map(canonicalName);
  const missing = RESPONSE_COMPONENTS.filter((component) => !names.includes(component));
  if (missing.length > 0 || new Set(names).size !== names.length) throw refused(`not covered: ${missing.join(" ")}`);
  if (input.parameters.get("keyid") !== keyid) throw refused("signed by another key");
  if (input.parameters.get("alg") !== ALGORITHM) throw refused("another algorithm");
  if (input.parameters.get("tag") !== LABEL) throw refused("signed for another purpose");
  const digest = parseByteDictionary(response.header("content-digest") ?? "").get("sha-256");
  if (!digest || !equal(digest, sha256(response.body))) throw refused("the body was altered");
  const lines = input.components.map((component, i): [string, string] => [
    component.text,
    responseValue(names[i] ?? "", request, requestSignature, response),
  ]);
  if (!(await verifyBytes(gatewayKey, signatureBase(lines, input.text), signature))) {
    throw refused("the signature does not hold");
  }
}
