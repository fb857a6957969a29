import { describe, expect, it } from "vitest";
import { fromHex, toHex, utf8 } from "../src/protocol/bytes.ts";
import { abiEncode, hashStruct, keccak256, struct } from "../src/protocol/eip712.ts";

// The example of EIP-712 itself ("Ether Mail").
const DOMAIN = struct("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
const PERSON = struct("Person(string name,address wallet)");

describe("EIP-712", () => {
  it("hashes as Keccak-256", () => {
    expect(toHex(keccak256(utf8("")))).toBe("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
  });

  it("makes the type hash and domain separator of the EIP's example", () => {
    expect(toHex(DOMAIN.typeHash)).toBe("8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f");
    const verifyingContract = fromHex("cc".repeat(20));
    const separator = hashStruct(DOMAIN, { name: "Ether Mail", version: "1", chainId: 1, verifyingContract });
    expect(toHex(separator)).toBe("f2cee375fa42b42143804025fc449deafd50cc031ca257e0b194a650a912090f");
  });

  it("makes the struct hash of the EIP's example", () => {
    const wallet = fromHex("cd2a3d9f938e13cd947ec05abc7fe734df8dd826");
    expect(toHex(hashStruct(PERSON, { name: "Cow", wallet }))).toBe(
      "fc71e5fa27ff56c350aa531bc129ebdf613b772b6604664f5d8dbe21b85eb0c8",
    );
  });

  it("refuses values that do not fit", () => {
    const small = struct("Small(uint8 value)");
    expect(() => abiEncode(small, { value: 256 })).toThrow();
    expect(() => abiEncode(small, { value: -1 })).toThrow();
    expect(() => abiEncode(small, { value: 1.5 })).toThrow();
    expect(() => hashStruct(PERSON, { name: "Cow", wallet: fromHex("00") })).toThrow();
  });
});
