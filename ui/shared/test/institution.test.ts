/** Signed histories as the Rust side makes them: `tests/vectors/institution.json`, written by `core/tests/institution.rs`. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  type SignedAction,
  approvedDevice,
  domainOf,
  fromHex,
  replayInstitution,
  toHex,
} from "../src/protocol/index.ts";

interface Vectors {
  domain: { chainId: number; contract: string; salt: string };
  id: string;
  history: {
    name: string;
    country: string;
    epoch: number;
    agreement: string;
    masters: string[];
    threshold: number;
    version: number;
  };
  actions: SignedAction[];
  refused: { what: string; actions: SignedAction[] }[];
  device: string;
  approvals: { what: string; approval: SignedAction }[];
  refusedApprovals: { what: string; approval: SignedAction }[];
}

const file = new URL("../../../tests/vectors/institution.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8")) as Vectors;
const domain = domainOf(vectors.domain);

describe("an institution's signed history", () => {
  it("gives name and newest keys", async () => {
    const found = await replayInstitution(domain, vectors.id, vectors.actions);
    const { name, country, epoch, agreement } = found;
    const newest = found.masters.at(-1);
    const masters = newest?.keys.map(({ key }) => toHex(key));
    const [threshold, version] = [newest?.threshold, found.masters.length];
    expect({ name, country, epoch, agreement: toHex(agreement), masters, threshold, version }).toEqual(vectors.history);
  });

  it.each(vectors.refused.map(({ what, actions }) => [what, actions] as const))(
    "is refused: %s",
    async (_, actions) => {
      const refused = replayInstitution(domain, vectors.id, actions);
      await expect(refused).rejects.toMatchObject({ code: "institution-unproved" });
    },
  );

  it("is refused in another network or with a broken shape", async () => {
    const code = "institution-unproved";
    const other = { ...domain, chainId: domain.chainId + 1 };
    await expect(replayInstitution(other, vectors.id, vectors.actions)).rejects.toMatchObject({ code });
    const broken = [{ type: "RegisterInstitution", message: {}, signatures: ["zz"] }];
    await expect(replayInstitution(domain, vectors.id, broken)).rejects.toMatchObject({ code });
  });

  const ask = async (approval: SignedAction | undefined): Promise<unknown> => {
    const history = await replayInstitution(domain, vectors.id, vectors.actions);
    return approvedDevice(domain, history, fromHex(vectors.device, 65), approval);
  };

  it.each(vectors.approvals.map(({ what, approval }) => [what, approval] as const))(
    "holds the approval: %s",
    async (_, approval) => {
      await expect(ask(approval)).resolves.toMatchObject({ rights: 3, notAfter: 99 });
    },
  );

  it.each([
    ["none", undefined] as const,
    ...vectors.refusedApprovals.map(({ what, approval }) => [what, approval] as const),
  ])("does not hold the approval: %s", async (_, approval) => {
    await expect(ask(approval)).rejects.toMatchObject({ code: "device-unproved" });
  });
});
