import { describe, expect, it } from "vitest";
import { type Bytes, fromHex, sha256, toHex } from "../src/protocol/bytes.ts";
import { included, leafHash } from "../src/protocol/merkle.ts";
import { path, root } from "./tree.ts";

// The leaves and roots that the Certificate Transparency projects test with.
const LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

describe("RFC 6962 tree", () => {
  const hashes = LEAVES.map((leaf) => leafHash(fromHex(leaf)));

  it("has the known roots", () => {
    expect(toHex(root(hashes.slice(0, 1)))).toBe("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    expect(toHex(root(hashes.slice(0, 7)))).toBe("ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c");
    expect(toHex(root(hashes))).toBe("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
  });

  it("proves every leaf of every size up to 40, and nothing else", () => {
    const many: Bytes[] = Array.from({ length: 40 }, (_, i) => leafHash(Uint8Array.of(i)));
    for (let size = 1; size <= many.length; size += 1) {
      const tree = many.slice(0, size);
      const top = root(tree);
      tree.forEach((leaf, index) => {
        const proof = path(tree, index);
        expect(included(leaf, index, size, proof, top)).toBe(true);
        expect(included(sha256(leaf), index, size, proof, top)).toBe(false);
        expect(included(leaf, index + 1, size, proof, top)).toBe(false);
        expect(included(leaf, index, size, [...proof, top], top)).toBe(false);
        if (proof.length > 0) expect(included(leaf, index, size, proof.slice(1), top)).toBe(false);
      });
    }
  });

  it("refuses places outside the tree", () => {
    const leaf = leafHash(Uint8Array.of(1));
    expect(included(leaf, 0, 1, [], leaf)).toBe(true);
    expect(included(leaf, 1, 1, [], leaf)).toBe(false);
    expect(included(leaf, -1, 1, [], leaf)).toBe(false);
    expect(included(leaf, 0, 0, [], leaf)).toBe(false);
  });
});
