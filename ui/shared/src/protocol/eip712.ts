/**
 * Typed structs as EIP-712 writes them (encodeType, encodeData, hashStruct, Keccak-256). Only flat structs with the member
 * types below: the protocol has no others. The TypeScript type of a message follows from the text of its definition.
 */
import { keccak_256 } from "@noble/hashes/sha3.js";
import { type Bytes, concat, uintBe, utf8 } from "./bytes.ts";
import { Fault } from "./fault.ts";

/** Value of each member type. */
interface Values {
  bytes32: Bytes;
  bytes: Bytes;
  address: Bytes;
  string: string;
  bool: boolean;
  uint8: number;
  uint32: number;
  uint64: number;
  uint256: number;
}

type Value<T> = T extends keyof Values ? Values[T] : never;

type Members<M extends string> = M extends `${infer T} ${infer N},${infer Rest}`
  ? { [K in N]: Value<T> } & Members<Rest>
  : M extends `${infer T} ${infer N}`
    ? { [K in N]: Value<T> }
    : never;

type Flat<T> = { [K in keyof T]: T[K] };

/** The message type of a definition such as `Grant(bytes32 commitment,uint64 deadline)`. */
export type MessageOf<D extends string> = D extends `${string}(${infer M})` ? Flat<Members<M>> : never;

/** A struct type; `M` is its message. */
export interface Struct<M> {
  readonly name: string;
  readonly members: readonly (readonly [type: string, name: string])[];
  readonly typeHash: Bytes;
  /** Only carries the type. */
  readonly message?: M;
}

export function keccak256(data: Uint8Array): Bytes {
  return new Uint8Array(keccak_256(data));
}

/** Reads a definition, word for word as in protocol §2. */
export function struct<const D extends string>(definition: D): Struct<MessageOf<D>> {
  const [, name, list] = /^(\w+)\(([^()]*)\)$/.exec(definition) ?? [];
  if (!name || list === undefined) throw new Fault("malformed", "not a struct definition");
  const members = list.split(",").map((member) => {
    const [type = "", field = ""] = member.split(" ");
    return [type, field] as const;
  });
  return { name, members, typeHash: keccak256(utf8(definition)) };
}

/** 32 bytes that stand for one member. */
function encodeMember(type: string, value: unknown): Bytes {
  if (type === "string" && typeof value === "string") return keccak256(utf8(value));
  if (type === "bytes" && value instanceof Uint8Array) return keccak256(value);
  return encodeStatic(type, value);
}

/** The 32-byte ABI word of a value of fixed size. */
export function encodeStatic(type: string, value: unknown): Bytes {
  if (type === "bool" && typeof value === "boolean") return uintBe(value ? 1 : 0, 32);
  if (type === "bytes32" && value instanceof Uint8Array && value.length === 32) return concat(value);
  if (type === "address" && value instanceof Uint8Array && value.length === 20)
    return concat(new Uint8Array(12), value);
  const bits = /^uint(\d+)$/.exec(type)?.[1];
  if (bits && typeof value === "number" && Number.isSafeInteger(value)) {
    return concat(new Uint8Array(32 - Number(bits) / 8), uintBe(value, Number(bits) / 8));
  }
  throw new Fault("malformed", `value does not fit ${type}`);
}

/** EIP-712 hashStruct, 32 bytes. */
export function hashStruct<M>(type: Struct<M>, message: M): Bytes {
  const values = message as Record<string, unknown>;
  return keccak256(concat(type.typeHash, ...type.members.map(([t, name]) => encodeMember(t, values[name]))));
}

/** `abi.encode` of a struct whose members all have fixed size. */
export function abiEncode<M>(type: Struct<M>, message: M): Bytes {
  const values = message as Record<string, unknown>;
  return concat(...type.members.map(([t, name]) => encodeStatic(t, values[name])));
}
