/** A page of a real browser, without a window: its script says things, and ends. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..", "..");
const programs = ["chromium-headless-shell", "chromium", "google-chrome", "chrome"];

/** A Chromium of this machine: `TILDE_CHROMIUM`, or on the path. */
export function findBrowser(): string | undefined {
  const named = process.env.TILDE_CHROMIUM;
  if (named !== undefined) return named;
  return programs.find((name) => spawnSync(name, ["--version"]).status === 0);
}

/** `--use-webgpu-adapter=swiftshader`: Chromium's own Vulkan in software. */
const flags = [
  "--headless",
  "--no-sandbox",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-features=Vulkan",
];
const types: Readonly<Record<string, string>> = {
  ".js": "text/javascript",
  ".json": "application/json",
};
/** What makes memory that threads share. */
const isolation = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** The page's own part: `say(value)` gives a value to the test; errors go there too. */
const frame = (script: string): string => `<!doctype html><script type="module">
const post = (path, value) => fetch(path, { method: "POST", body: JSON.stringify(value) });
const say = (value) => post("/say", value);
try {
  ${script}
} catch (error) {
  await say({ error: String(error.stack ?? error) });
}
await post("/end", null);
</script>`;

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const piece of request) text += piece;
  return JSON.parse(text);
}

/**
 * What the script says, in order. The checkout is served to it from `/`.
 * @param isolated whether the page may share memory
 */
export async function runInPage(
  program: string,
  script: string,
  isolated: boolean,
): Promise<unknown[]> {
  const said: unknown[] = [];
  const head = isolated ? isolation : {};
  const profile = mkdtempSync(join(tmpdir(), "tilde-page-"));
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = new URL(request.url ?? "/", "http://page").pathname;
    if (request.method === "POST") {
      const value = await bodyOf(request);
      if (path === "/say") said.push(value);
      response.end();
      if (path === "/end") end();
      return;
    }
    const file = join(root, path);
    if (path !== "/" && !existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    const type = path === "/" ? "text/html" : (types[extname(path)] ?? "text/plain");
    response.writeHead(200, { "content-type": type, ...head });
    response.end(path === "/" ? frame(script) : readFileSync(file));
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const options = { stdio: "ignore", detached: true } as const;
  const browser = spawn(
    program,
    [...flags, `--user-data-dir=${profile}`, `http://127.0.0.1:${port}/`],
    options,
  );
  browser.on("exit", () => end());
  try {
    await ended;
  } finally {
    // Its whole group: a Chromium is several processes.
    if (browser.pid !== undefined && browser.exitCode === null)
      process.kill(-browser.pid, "SIGKILL");
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
  return said;
}
