/** Institutions and devices as the contract knows them, each asked for once per opening of the page. */
import {
  type Device,
  type DeviceCertificate,
  Fault,
  checkCertificate,
  fromHex,
  keyId,
  toHex,
} from "@wardkey/shared/protocol";
import { type Client, Refusal } from "../gateway/client.ts";
import type { Institution } from "../gateway/types.ts";

/** A person behind a device. */
export interface Person {
  device: Device;
  certificate: DeviceCertificate;
}

export class Registry {
  private readonly institutions = new Map<string, Promise<Institution>>();
  private readonly devices = new Map<string, Promise<Device>>();
  private readonly people = new Map<string, Promise<Person>>();

  constructor(private readonly client: Client) {}

  /** Throws `institution-unknown`. */
  institution(id: string): Promise<Institution> {
    return once(this.institutions, id, () => this.freshInstitution(id));
  }

  /** The same, asked anew: before something is granted. */
  async freshInstitution(id: string): Promise<Institution> {
    const institution = await this.client.get<Institution>(`/v1/institutions/${id}`).catch((error: unknown) => {
      if (error instanceof Refusal && error.status === 404) throw new Fault("institution-unknown", "not registered");
      throw error;
    });
    if (institution.id !== id) throw new Fault("institution-unknown", "the registry answered for another one");
    return institution;
  }

  /** What the contract says of a device; its key must be the one it is named after. */
  device(id: string): Promise<Device> {
    return once(this.devices, id, async () => {
      const device = await this.client.get<Device>(`/v1/devices/${id}`);
      if (device.id !== id || toHex(keyId(fromHex(device.key, 65))) !== id) {
        throw new Fault("device-unknown", "the registry answered for another device");
      }
      return device;
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
