// What a refused command rejects with; anything that is no notice becomes one.
import type { Notice } from "./model";

export function asNotice(cause: unknown): Notice {
  if (typeof cause === "object" && cause !== null && "code" in cause && "message" in cause) return cause as Notice;
  return { code: "unexpected", message: String(cause), action: "", tone: "danger" };
}
