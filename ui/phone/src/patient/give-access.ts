/** Gives an institution access: the signed grant document, the one-time key, and the section keys sealed to the institution. */
import {
  Fault,
  GRANT,
  GRANT_DOCUMENT,
  type GrantDocument,
  type Section,
  TREATMENT,
  aad,
  canonical,
  commitment,
  coordinates,
  fromHex,
  maskOf,
  newSigner,
  seal,
  sectionNumber,
  sign,
  toHex,
  utf8,
} from "@wardkey/shared/protocol";
import type { Institution, SubmittedAction } from "../gateway/types.ts";
import { type StoredGrant, saveGrant } from "../vault/grant.ts";
import { sectionKeys } from "../vault/patient.ts";
import { withScalar } from "../vault/section-key.ts";
import type { Session } from "./session.ts";

/** The patient's choice. */
export interface Choice {
  institution: Institution;
  read: Section[];
  write: Section[];
  /** Seconds since 1970. */
  expiry: number;
}

/** A grant that is signed and kept, ready to be sent as often as it takes. */
export interface PreparedGrant {
  stored: StoredGrant;
  body: unknown;
}

/** How long the chain may take the action, in seconds. */
const ACTION_LIFE = 900;
/** The grant begins a little earlier, because clocks differ. */
const CLOCK_SLACK = 60;

async function writeDocument(
  session: Session,
  choice: Choice,
): Promise<{ document: GrantDocument; stored: StoredGrant }> {
  const oneTime = await newSigner();
  const { x, y } = coordinates(oneTime.publicKey);
  const document: GrantDocument = {
    patient: session.me.patientId,
    institution: fromHex(choice.institution.id, 32),
    read: maskOf(choice.read),
    write: maskOf(choice.write),
    purpose: TREATMENT,
    notBefore: session.now() - CLOCK_SLACK,
    expiry: choice.expiry,
    salt: session.around.random(32),
    keyX: x,
    keyY: y,
    chainId: session.domain.chainId,
    wardkey: session.domain.contract,
  };
  const stored: StoredGrant = {
    commitment: toHex(commitment(document)),
    document: toHex(canonical(document)),
    oneTime,
    institutionName: choice.institution.name,
    given: session.now(),
  };
  return { document, stored };
}

/** Every epoch's private key of the sections to read, sealed to the institution's agreement key. */
async function sealKeys(session: Session, choice: Choice, sealedFor: string): Promise<unknown[]> {
  const numbers = new Set(choice.read.map(sectionNumber));
  const keys = (await sectionKeys(session.database)).filter((key) => numbers.has(key.section));
  const { patientId, wrapping } = session.me;
  const recipient = fromHex(choice.institution.agreement.key, 65);
  return Promise.all(
    keys.map((key) =>
      withScalar(wrapping, key, async (scalar) => {
        const associated = aad.section(patientId, fromHex(sealedFor, 32), key.section, key.epoch);
        const sealed = await seal(recipient, session.domain, "wardkey/section/1", associated, scalar);
        return { section: key.section, epoch: key.epoch, ...sealed };
      }),
    ),
  );
}

/** The institution as it is now: its agreement key may have been renewed since the poster was scanned. */
async function renewed(session: Session, choice: Choice): Promise<Choice> {
  const institution = await session.registry.freshInstitution(choice.institution.id);
  if (institution.status !== "accredited") throw new Fault("institution-suspended", "not accredited any more");
  if (institution.name !== choice.institution.name)
    throw new Fault("institution-renamed", "another name than was shown");
  return { ...choice, institution };
}

/** Signs the grant and keeps it with its one-time key before anything is sent, so that it can always be revoked. */
export async function prepareGrant(session: Session, chosen: Choice): Promise<PreparedGrant> {
  const choice = await renewed(session, chosen);
  if (choice.read.length + choice.write.length === 0) throw new Fault("grant-empty", "nothing is granted");
  if (choice.expiry <= session.now()) throw new Fault("grant-in-the-past", "the end date is over");
  await session.publishKeys();
  const { me, domain } = session;
  const { document, stored } = await writeDocument(session, choice);
  const bound = fromHex(stored.commitment, 32);
  const action = { commitment: bound, deadline: session.now() + ACTION_LIFE };
  const label = utf8(JSON.stringify({ name: me.name, birthDate: me.birthDate }));
  const body = {
    document: stored.document,
    patientKey: toHex(me.root.publicKey),
    signature: toHex(await sign(me.root, domain, GRANT_DOCUMENT, document)),
    sectionKeys: await sealKeys(session, choice, stored.commitment),
    label: await seal(fromHex(choice.institution.agreement.key, 65), domain, "wardkey/label/1", bound, label),
    agreementEpoch: choice.institution.agreement.epoch,
    action: {
      type: "Grant",
      message: { commitment: stored.commitment, deadline: action.deadline },
      signatures: [toHex(await sign(stored.oneTime, domain, GRANT, action))],
      keys: [toHex(stored.oneTime.publicKey)],
    },
  };
  await saveGrant(session.database, stored);
  return { stored, body };
}

/** Sends a prepared grant. */
export async function sendGrant(session: Session, grant: PreparedGrant): Promise<SubmittedAction> {
  return session.signed<SubmittedAction>("POST", "/v1/grants", grant.body);
}
