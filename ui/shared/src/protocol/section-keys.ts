/** The patient's published section keys (protocol §2 `SectionKeys`, §7). */
import { type Bytes, concat, fromHex, toHex, uintBe } from "./bytes.ts";
import type { Domain } from "./domain.ts";
import { type Signer, coordinates, sign, verify } from "./key.ts";
import { SECTION_KEYS } from "./types.ts";

export interface SectionKey {
  section: number;
  epoch: number;
  /** 65 bytes. */
  key: Bytes;
}

export interface SectionKeysBody {
  version: number;
  keys: { section: number; epoch: number; key: string }[];
  signature: string;
}

/** `section:u8 ‖ epoch:u32be ‖ X ‖ Y` of each key, one after the other. */
export function packSectionKeys(keys: SectionKey[]): Bytes {
  return concat(
    ...keys.flatMap(({ section, epoch, key }) => {
      const { x, y } = coordinates(key);
      return [uintBe(section, 1), uintBe(epoch, 4), x, y];
    }),
  );
}

/** The signed body of `PUT /v1/patients/{id}/section-keys`. */
export async function signSectionKeys(
  root: Signer,
  domain: Domain,
  patient: Bytes,
  version: number,
  keys: SectionKey[],
): Promise<SectionKeysBody> {
  const signature = await sign(root, domain, SECTION_KEYS, { patient, version, keys: packSectionKeys(keys) });
  return {
    version,
    keys: keys.map(({ section, epoch, key }) => ({ section, epoch, key: toHex(key) })),
    signature: toHex(signature),
  };
}

/** Whether a body is signed by the patient. */
export function verifySectionKeys(
  rootKey: Bytes,
  domain: Domain,
  patient: Bytes,
  body: SectionKeysBody,
): Promise<boolean> {
  const keys = packSectionKeys(body.keys.map((k) => ({ ...k, key: fromHex(k.key, 65) })));
  return verify(rootKey, domain, SECTION_KEYS, { patient, version: body.version, keys }, fromHex(body.signature, 64));
}
