import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// `--mode fake` (tests only) puts the in-browser fake of the workstation in the place of the Tauri bridge.
export default defineConfig(({ mode }) => ({
  root: here("."),
  base: "./",
  plugins: [
    svelte(),
    {
      name: "fake-bridge",
      enforce: "pre",
      resolveId: (id: string) => (mode === "fake" && id.endsWith("/ipc") ? here("./tests/fake/ipc.ts") : undefined),
    },
  ],
  build: {
    outDir: here("../dist/desk"),
    emptyOutDir: true,
    target: "safari16",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: { include: ["tests/**/*.test.ts"], testTimeout: 30_000, hookTimeout: 60_000 },
}));
