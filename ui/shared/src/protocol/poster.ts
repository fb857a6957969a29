/** The link in an institution's QR poster (protocol §8). Everything in it is a claim. */
import { fromHex } from "./bytes.ts";
import { Fault } from "./fault.ts";

export interface Poster {
  chainId: number;
  /** 40 hex digits. */
  contract: string;
  /** 64 hex digits. */
  institution: string;
  /** What the poster says the institution is called. */
  name: string;
}

/** Reads `<origin>/#/scan?v=1&c=…&k=…&i=…&n=…` or only the part from `#`. Throws `poster-unreadable` or `poster-version`. */
export function parsePoster(text: string): Poster {
  const [, query] = /#\/scan\?(.+)$/.exec(text.trim()) ?? [];
  if (!query) throw new Fault("poster-unreadable", "not a Wardkey poster");
  const fields = new URLSearchParams(query);
  if (fields.get("v") !== "1") throw new Fault("poster-version", "another version of the poster");
  const institution = (fields.get("i") ?? "").toLowerCase();
  const contract = (fields.get("k") ?? "").toLowerCase().replace(/^0x/, "");
  const chainId = Number(fields.get("c") ?? "");
  try {
    fromHex(institution, 32);
    fromHex(contract, 20);
  } catch {
    throw new Fault("poster-unreadable", "not a Wardkey poster");
  }
  if (!Number.isSafeInteger(chainId) || chainId <= 0) throw new Fault("poster-unreadable", "not a Wardkey poster");
  return { chainId, contract, institution, name: fields.get("n") ?? "" };
}

/** Whether two names are the same to a reader: Unicode form and spaces aside. */
export function sameName(a: string, b: string): boolean {
  const plain = (name: string): string => name.normalize("NFC").replace(/\s+/gu, " ").trim();
  return plain(a) === plain(b);
}
