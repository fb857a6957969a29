// The window in Debian's Chromium with the fake workstation: built once, served on loopback, one page per test.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium, type Browser, type Page } from "playwright-core";
import { build, preview, type PreviewServer } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
const flags = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export interface Look {
  width?: number;
  height?: number;
  scheme?: "light" | "dark";
}

export class Windows {
  #server: PreviewServer;
  #browser: Browser;

  #folder: string;

  private constructor(server: PreviewServer, browser: Browser, folder: string) {
    this.#folder = folder;
    this.#server = server;
    this.#browser = browser;
  }

  static async start(): Promise<Windows> {
    const outDir = mkdtempSync(join(tmpdir(), "wardkey-desk-"));
    const common = { root, configFile: `${root}/vite.config.ts`, mode: "fake", logLevel: "error" } as const;
    await build({ ...common, build: { outDir } });
    const server = await preview({ ...common, build: { outDir }, preview: { host: "127.0.0.1", port: 0 } });
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: flags });
    return new Windows(server, browser, outDir);
  }

  async open(scene: string, look: Look = {}): Promise<Page> {
    const { width = 1280, height = 800, scheme = "light" } = look;
    const context = await this.#browser.newContext({ viewport: { width, height }, colorScheme: scheme });
    const page = await context.newPage();
    page.setDefaultTimeout(5000);
    const address = this.#server.httpServer.address();
    const port = typeof address === "object" && address ? address.port : 0;
    await page.goto(`http://127.0.0.1:${String(port)}/?${scene}`);
    await page.getByTestId("window").waitFor();
    return page;
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    await this.#server.close();
    rmSync(this.#folder, { recursive: true });
  }
}
