/** The stable code of anything that was thrown. */
import { Fault } from "@wardkey/shared/protocol";

export function faultCode(error: unknown): string {
  if (error instanceof Fault) return error.code;
  if (error instanceof DOMException) return "storage-failed";
  return "unexpected";
}
