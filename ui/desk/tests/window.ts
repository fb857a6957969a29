// The window in Debian's Chromium with the fake workstation: built once, served on loopback, one page per test.
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

  private constructor(server: PreviewServer, browser: Browser) {
    this.#server = server;
    this.#browser = browser;
  }

  static async start(): Promise<Windows> {
    const configFile = `${root}/vite.config.ts`;
    await build({ root, configFile, mode: "fake", logLevel: "error" });
    const server = await preview({
      root,
      configFile,
      mode: "fake",
      logLevel: "error",
      preview: { host: "127.0.0.1", port: 0, strictPort: false },
      build: { outDir: fileURLToPath(new URL("../../dist/desk-fake", import.meta.url)) },
    });
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: flags });
    return new Windows(server, browser);
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
  }
}
