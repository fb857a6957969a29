#!/usr/bin/env node
// npm's solc as forge and slither call it: `--version`, or standard JSON from stdin to stdout. Whatever else they pass
// (paths that may be read) is of no use here: standard JSON as they write it holds every source.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const solc = createRequire(import.meta.url)("solc");
if (process.argv.includes("--version")) {
  console.log(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}`);
} else if (process.argv.includes("--standard-json")) {
  process.stdout.write(solc.compile(readFileSync(0, "utf8")));
} else {
  console.error("solc.mjs knows --version and --standard-json");
  process.exit(1);
}
