/** HPKE base mode (RFC 9180): DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM (protocol §4). */
import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from "@hpke/core";
import { type Bytes, bytes, concat, fromBase64Url, toBase64Url, uintBe, utf8 } from "./bytes.ts";
import { type Domain, separator } from "./domain.ts";
import { Fault } from "./fault.ts";

/** A sealed message, base64url. */
export interface Sealed {
  enc: string;
  ct: string;
}

/** What a message is sealed for; each has its own label. */
export type Purpose = "wardkey/section/1" | "wardkey/label/1" | "wardkey/record/1" | "wardkey/event/1";

/** Associated data of each purpose, word for word as in the table of protocol §4. */
export const aad = {
  section: (patient: Bytes, commitment: Bytes, section: number, epoch: number): Bytes =>
    concat(patient, commitment, uintBe(section, 1), uintBe(epoch, 4)),
  event: (patient: Bytes, leaf: Bytes): Bytes => concat(patient, leaf),
};

function suite(): CipherSuite {
  return new CipherSuite({ kem: new DhkemP256HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
}

function info(domain: Domain, purpose: Purpose): Bytes {
  return concat(utf8(purpose), separator(domain));
}

/** Seals to a public key (65 bytes). */
export async function seal(
  recipient: Bytes,
  domain: Domain,
  purpose: Purpose,
  associated: Bytes,
  plaintext: Bytes,
): Promise<Sealed> {
  const hpke = suite();
  try {
    const recipientPublicKey = await hpke.kem.deserializePublicKey(recipient);
    const sealed = await hpke.seal({ recipientPublicKey, info: info(domain, purpose) }, plaintext, associated);
    return { enc: toBase64Url(bytes(sealed.enc)), ct: toBase64Url(bytes(sealed.ct)) };
  } catch {
    throw new Fault("seal-failed", "sealing failed: the receiver's key is not usable");
  }
}

/** Opens with a key pair whose private half need not be readable. Throws `seal-cannot-open`. */
export async function open(
  recipient: CryptoKeyPair,
  domain: Domain,
  purpose: Purpose,
  associated: Bytes,
  sealed: Sealed,
): Promise<Bytes> {
  const context = { recipientKey: recipient, enc: fromBase64Url(sealed.enc), info: info(domain, purpose) };
  try {
    return bytes(await suite().open(context, fromBase64Url(sealed.ct), associated));
  } catch {
    throw new Fault("seal-cannot-open", "altered, or sealed for another key");
  }
}
