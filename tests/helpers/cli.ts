/** Running the `tilde` command: in this process where that will do, else the built command. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, vi } from "vitest";
import { main } from "../../src/cli/main.js";

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  readonly signal?: NodeJS.Signals | null;
}

/** Runs the command line in this process (one thread) and catches what it prints. */
export async function tilde(...args: readonly string[]): Promise<Ended> {
  let out = "";
  let err = "";
  const before = process.exitCode;
  const stdout = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += text;
    return true;
  });
  const stderr = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += text;
    return true;
  });
  try {
    process.exitCode = undefined;
    await main(["node", "tilde", ...args]);
    return { code: Number(process.exitCode ?? 0), out, err };
  } finally {
    stdout.mockRestore();
    stderr.mockRestore();
    process.exitCode = before;
  }
}

const root = join(import.meta.dirname, "../..");

/** Starts the built command as a process of its own. */
export function startTilde(...args: readonly string[]): ChildProcessWithoutNullStreams {
  if (!existsSync(join(root, "dist/src/cli/main.js"))) {
    throw new Error("the command is not built: `npm install` (or `npm run build`) does that");
  }
  return spawn(process.execPath, [join(root, "bin/tilde.js"), ...args]);
}

export function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  return new Promise((resolve, reject) => {
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, out, err }));
  });
}

/** Runs the built command to its end. */
export function tildeProcess(...args: readonly string[]): Promise<Ended> {
  return ended(startTilde(...args));
}

/** A folder for this file's tests, removed after them, and a way to put files there. */
export function scratchFolder(): { path: string; file: (name: string, text: string) => string } {
  const path = mkdtempSync(join(tmpdir(), "tilde-test-"));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return {
    path,
    file: (name, text) => {
      const at = join(path, name);
      writeFileSync(at, text);
      return at;
    },
  };
}

export const eightSchools = [
  join(root, "examples/eight_schools/model.ppl"),
  "--data",
  join(root, "examples/eight_schools/data.json"),
] as const;
