/** Talks to the gateway: public questions, and requests signed by the patient whose answers must be signed in return. */
import {
  type Bytes,
  Fault,
  type RequestParts,
  type Signer,
  fromHex,
  fromUtf8,
  keyId,
  signRequest,
  splitTarget,
  toHex,
  utf8,
  verifyResponse,
} from "@wardkey/shared/protocol";
import type { Clock } from "../clock.ts";

export type Fetch = (target: string, init: RequestInit) => Promise<Response>;

/** A refusal by the gateway, with its stable code. */
export class Refusal extends Fault {
  constructor(
    code: string,
    message: string,
    readonly status: number,
  ) {
    super(code, message);
    this.name = "Refusal";
  }
}

/** Longest wait for an answer, in milliseconds. */
const PATIENCE = 30_000;

/** Refusals that only mean that the clocks differ. */
const CLOCK_CODES = ["request-time", "request-before-start"];

/** Of problem details (RFC 9457) the code and what happened. */
function refusal(status: number, body: Bytes): Refusal {
  try {
    const { code, title } = JSON.parse(fromUtf8(body)) as { code?: unknown; title?: unknown };
    if (typeof code !== "string" || typeof title !== "string") throw new Fault("gateway-refused", "no problem details");
    return new Refusal(code, title, status);
  } catch {
    return new Refusal(status >= 500 ? "gateway-failed" : "gateway-refused", `status ${status}`, status);
  }
}

function parse<T>(body: Bytes): T {
  try {
    return (body.length === 0 ? null : JSON.parse(fromUtf8(body))) as T;
  } catch {
    throw new Fault("gateway-failed", "the answer is not readable");
  }
}

export class Client {
  constructor(
    private readonly fetch: Fetch,
    private readonly clock: Clock,
    private readonly random: (length: number) => Bytes,
  ) {}

  private async send(target: string, init: RequestInit): Promise<{ response: Response; body: Bytes }> {
    try {
      const response = await this.fetch(target, { ...init, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
      this.clock.learn(response.headers.get("date"));
      return { response, body: new Uint8Array(await response.arrayBuffer()) };
    } catch {
      throw new Fault("gateway-unreachable", "no answer from the gateway");
    }
  }

  /** A question that anyone may ask. */
  async get<T>(target: string): Promise<T> {
    const { response, body } = await this.send(target, { method: "GET" });
    if (!response.ok) throw refusal(response.status, body);
    return parse<T>(body);
  }

  /** An action that carries its own signature (`POST /v1/actions`). */
  async post<T>(target: string, value: unknown): Promise<T> {
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
    const { response, body } = await this.send(target, init);
    if (!response.ok) throw refusal(response.status, body);
    return parse<T>(body);
  }

  /**
   * A request signed by the patient. An answer that the gateway did not sign is refused. A refusal because of this phone's
   * clock has corrected it (`Clock.learn`), so it is tried once more.
   */
  async signed<T>(root: Signer, gatewayKey: string, method: string, target: string, value?: unknown): Promise<T> {
    const ask = (): Promise<T> => this.ask<T>(root, fromHex(gatewayKey, 65), method, target, value);
    return ask().catch((error: unknown) => {
      if (error instanceof Refusal && CLOCK_CODES.includes(error.code)) return ask();
      throw error;
    });
  }

  private async ask<T>(root: Signer, gatewayKey: Bytes, method: string, target: string, value: unknown): Promise<T> {
    const request: RequestParts = { method, ...splitTarget(target), headers: {} };
    if (value !== undefined) request.body = utf8(JSON.stringify(value));
    const keyid = `patient:${toHex(keyId(root.publicKey))}`;
    const signature = await signRequest(request, root, keyid, this.clock.now(), this.random(16));
    const headers: Record<string, string> = { ...signature, "wardkey-key": toHex(root.publicKey) };
    if (request.body) headers["content-type"] = "application/json";
    const { response, body } = await this.send(target, {
      method,
      headers,
      ...(request.body && { body: request.body }),
    });
    if (!response.ok) throw refusal(response.status, body);
    const answer = { status: response.status, header: (name: string) => response.headers.get(name), body };
    const from = `gateway:${toHex(keyId(gatewayKey))}`;
    await verifyResponse(request, signature["signature"] ?? "", answer, gatewayKey, from);
    return parse<T>(body);
  }
}
