/** What a test institution's master key signs. */
import {
  APPROVE_DEVICE,
  type Bytes,
  type Domain,
  REGISTER_INSTITUTION,
  type SignedAction,
  certificateDigest,
  coordinates,
  fromHex,
  sign,
  toHex,
} from "@wardkey/shared/protocol";
import type { TestInstitution } from "./gateway.ts";

/** An action as JSON. */
function signedAction(type: string, message: Record<string, unknown>, signature: Bytes): SignedAction {
  const fields = Object.entries(message).map(([name, value]) => [
    name,
    value instanceof Uint8Array ? `0x${toHex(value)}` : value,
  ]);
  return { type, message: Object.fromEntries(fields) as Record<string, unknown>, signatures: [toHex(signature)] };
}

/** The action that made an institution. */
export async function registration(domain: Domain, of: TestInstitution): Promise<SignedAction> {
  const [master, agreement] = [coordinates(of.master.publicKey), coordinates(of.agreementKey)];
  const message = {
    institution: fromHex(of.id, 32),
    name: of.name,
    country: of.country,
    masterX: master.x,
    masterY: master.y,
    // Nobody seals to this master in these tests: any point will do.
    wrapX: agreement.x,
    wrapY: agreement.y,
    agreementX: agreement.x,
    agreementY: agreement.y,
    deadline: 1_790_000_000,
  };
  return signedAction("RegisterInstitution", message, await sign(of.master, domain, REGISTER_INSTITUTION, message));
}

/** The approval of an institution's card. */
export async function approval(domain: Domain, of: TestInstitution): Promise<SignedAction> {
  const device = coordinates(of.device.publicKey);
  const message = {
    institution: fromHex(of.id, 32),
    deviceX: device.x,
    deviceY: device.y,
    rights: 3,
    notAfter: 1_900_000_000,
    certificate: certificateDigest(of.certificate),
    masters: 1,
    nonce: 0,
    deadline: 1_790_000_000,
  };
  return signedAction("ApproveDevice", message, await sign(of.master, domain, APPROVE_DEVICE, message));
}
