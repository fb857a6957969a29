// Compiles src/Wardkey.sol with npm's solc, offline, into out/Wardkey.json.
// `node compile.js --check` compares instead of writing: exit 0 same, 1 different.
import { readFileSync, readdirSync, writeFileSync, existsSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "out", "Wardkey.json");
const require = createRequire(import.meta.url);

let solc;
try {
  solc = require("solc");
  require.resolve("@openzeppelin/contracts/package.json");
} catch {
  console.error("the npm packages of chain/contracts are missing: run `npm ci` in chain/contracts");
  process.exit(2);
}

const settings = {
  evmVersion: "prague",
  viaIR: true,
  optimizer: { enabled: true, runs: 10000 },
  // No metadata hash: the bytecode depends on the code alone, not on comments or paths.
  metadata: { bytecodeHash: "none", appendCBOR: false },
};

function imported(path) {
  const file = path.startsWith("src/") ? join(here, path) : join(here, "node_modules", path);
  return existsSync(file) ? { contents: readFileSync(file, "utf8") } : { error: `no such file: ${path}` };
}

function compiled() {
  const sources = {};
  for (const name of readdirSync(join(here, "src")).filter((n) => n.endsWith(".sol")).sort()) {
    sources[`src/${name}`] = { content: readFileSync(join(here, "src", name), "utf8") };
  }
  const outputSelection = { "src/Wardkey.sol": { Wardkey: ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } };
  const input = { language: "Solidity", sources, settings: { ...settings, outputSelection } };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: imported }));
  for (const message of output.errors ?? []) console.error(message.formattedMessage);
  if ((output.errors ?? []).length > 0) process.exit(1);
  const { abi, evm } = output.contracts["src/Wardkey.sol"].Wardkey;
  return {
    contract: "Wardkey",
    compiler: solc.version(),
    openzeppelin: require("@openzeppelin/contracts/package.json").version,
    settings,
    abi,
    bytecode: evm.bytecode.object,
    deployedBytecode: evm.deployedBytecode.object,
  };
}

const text = JSON.stringify(compiled(), null, 1) + "\n";
if (process.argv.includes("--check")) {
  const same = existsSync(target) && readFileSync(target, "utf8") === text;
  console.log(same ? "out/Wardkey.json is what src/ compiles to" : "out/Wardkey.json differs from what src/ compiles to: run `npm run compile`");
  process.exit(same ? 0 : 1);
}
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, text);
console.log(`out/Wardkey.json: ${(text.length / 1024).toFixed(0)} KiB`);
