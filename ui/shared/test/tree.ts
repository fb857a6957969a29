/** RFC 6962 §2.1 tree and paths, straight from their recursive definition: a second way to what `merkle.ts` checks. */
import type { Bytes } from "../src/protocol/bytes.ts";
import { nodeHash } from "../src/protocol/merkle.ts";

function split(size: number): number {
  let k = 1;
  while (2 * k < size) k *= 2;
  return k;
}

export function root(leaves: Bytes[]): Bytes {
  const [first] = leaves;
  if (!first) throw new Error("empty tree");
  if (leaves.length === 1) return first;
  const k = split(leaves.length);
  return nodeHash(root(leaves.slice(0, k)), root(leaves.slice(k)));
}

export function path(leaves: Bytes[], index: number): Bytes[] {
  if (leaves.length <= 1) return [];
  const k = split(leaves.length);
  return index < k
    ? [...path(leaves.slice(0, k), index), root(leaves.slice(k))]
    : [...path(leaves.slice(k), index - k), root(leaves.slice(0, k))];
}
