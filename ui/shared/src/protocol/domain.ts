/** One deployment of the contract; every signature and ciphertext is bound to it. */
import { type Bytes, concat, fromHex, sha256 } from "./bytes.ts";
import { type Struct, hashStruct, struct } from "./eip712.ts";

export interface Domain {
  readonly chainId: number;
  /** 20 bytes. */
  readonly contract: Bytes;
  /** 32 bytes. */
  readonly salt: Bytes;
}

const EIP712_DOMAIN = struct(
  "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)",
);

/** The domain that a gateway names (`GET /v1/network`). */
export function domainOf(network: { chainId: number; contract: string; salt: string }): Domain {
  return { chainId: network.chainId, contract: fromHex(network.contract, 20), salt: fromHex(network.salt, 32) };
}

/** EIP-712 domainSeparator, 32 bytes. */
export function separator(domain: Domain): Bytes {
  return hashStruct(EIP712_DOMAIN, {
    name: "Wardkey",
    version: "1",
    chainId: domain.chainId,
    verifyingContract: domain.contract,
    salt: domain.salt,
  });
}

/** The 66 bytes `0x1901 ‖ domainSeparator ‖ hashStruct` that a browser signs. */
export function preimage<M>(domain: Domain, type: Struct<M>, message: M): Bytes {
  return concat(Uint8Array.of(0x19, 0x01), separator(domain), hashStruct(type, message));
}

/** SHA-256 of the 66 bytes: what a card signs. */
export function digest<M>(domain: Domain, type: Struct<M>, message: M): Bytes {
  return sha256(preimage(domain, type, message));
}
