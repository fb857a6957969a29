/** Institutions and devices as their own signatures prove them, each asked for once per opening of the page. */
import {
  type Device,
  type DeviceCertificate,
  type Domain,
  Fault,
  type InstitutionHistory,
  approvedDevice,
  checkCertificate,
  fromHex,
  keyId,
  replayInstitution,
  toHex,
} from "@wardkey/shared/protocol";
import { type Client, Refusal } from "../gateway/client.ts";
import type { Institution, InstitutionAnswer } from "../gateway/types.ts";

/** A person behind a device. */
export interface Person {
  device: Device;
  certificate: DeviceCertificate;
}

interface Proved {
  institution: Institution;
  history: InstitutionHistory;
}

export class Registry {
  private readonly institutions = new Map<string, Promise<Proved>>();
  private readonly devices = new Map<string, Promise<Device>>();
  private readonly people = new Map<string, Promise<Person>>();

  constructor(
    private readonly client: Client,
    private readonly domain: Domain,
  ) {}

  /** Throws `institution-unknown`, `institution-unproved`. */
  async institution(id: string): Promise<Institution> {
    return (await once(this.institutions, id, () => this.prove(id))).institution;
  }

  /** The same, asked anew: before something is granted. */
  async freshInstitution(id: string): Promise<Institution> {
    return (await this.prove(id)).institution;
  }

  /** Name and keys come from the institution's signed actions, never from what the gateway says beside them. */
  private async prove(id: string): Promise<Proved> {
    const answer = await this.client.get<InstitutionAnswer>(`/v1/institutions/${id}`).catch((error: unknown) => {
      if (error instanceof Refusal && error.status === 404) throw new Fault("institution-unknown", "not registered");
      throw error;
    });
    const history = await replayInstitution(this.domain, id, answer.actions ?? []);
    const { name, country, epoch, agreement } = history;
    const institution = { id, name, country, status: answer.status, agreement: { epoch, key: toHex(agreement) } };
    return { institution, history };
  }

  /** A device that its institution approved by signature; only whether it is revoked is the gateway's word. */
  device(id: string): Promise<Device> {
    return once(this.devices, id, async () => {
      const device = await this.client.get<Device>(`/v1/devices/${id}`);
      const key = fromHex(device.key, 65);
      if (device.id !== id || toHex(keyId(key)) !== id) {
        throw new Fault("device-unknown", "the registry answered for another device");
      }
      // Asked anew: a newer master key may have approved it.
      const { history } = await this.prove(device.institution);
      const { rights, notAfter, certificate } = await approvedDevice(this.domain, history, key, device.approval);
      return { ...device, rights, notAfter, certificate: toHex(certificate) };
    });
  }

  /** Who holds a device: the certificate whose hash the contract keeps. Throws `certificate-mismatch`. */
  person(id: string): Promise<Person> {
    return once(this.people, id, async () => {
      const device = await this.device(id);
      const certificate = await this.client.get<DeviceCertificate>(`/v1/devices/${id}/certificate`);
      checkCertificate(certificate, device);
      return { device, certificate };
    });
  }
}

/** Keeps the first good answer; a failed one is asked again next time. */
function once<T>(kept: Map<string, Promise<T>>, id: string, ask: () => Promise<T>): Promise<T> {
  let answer = kept.get(id);
  if (!answer) {
    answer = ask();
    kept.set(id, answer);
    answer.catch(() => kept.delete(id));
  }
  return answer;
}
