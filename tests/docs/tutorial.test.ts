/**
 * The tutorial: its files are written, its commands run, its sessions typed, as a reader would, and
 * each must answer what stands on the page. With `UPDATE_GOLDEN=1` the answers are written there.
 *
 * Blocks: a language with a `title` is a file; `console` holds commands after `$ ` with what they
 * print; `text` beginning with `~> ` is a session, which goes on through its page.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { printOutput } from "../../src/cli/repl/print.js";
import { Session } from "../../src/run/repl/session.js";
import { type Ended, ended, scratchFolder } from "../helpers/cli.js";

const root = join(import.meta.dirname, "../..");
const pages = join(root, "docs/tutorial");

/** Times differ from run to run, and so does what a machine can do with them. */
const timeless = (text: string): string =>
  text.replace(/\b[\d.]+ (?:ms|s|min)\b/g, "… s").replace(/^(?:compiled in|ran in).*$/gm, "…");

/** A folder with what a reader has in a clone: the examples, and the package under its name. */
function clone(folder: string): void {
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  symlinkSync(root, join(folder, "node_modules/tilde-ppl"));
  symlinkSync(join(root, "examples"), join(folder, "examples"));
}

/** `npx tilde …` and `node FILE`, which is all that the tutorial asks a reader to type. */
function perform(command: string, cwd: string): Promise<Ended> {
  const words = [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    (m) => m[1] ?? m[2] ?? m[3],
  );
  const isTilde = words[0] === "npx" && words[1] === "tilde";
  if (!isTilde && words[0] !== "node") throw new Error(`a command of neither kind: ${command}`);
  const args = isTilde ? [join(root, "bin/tilde.js"), ...words.slice(2)] : words.slice(1);
  return ended(spawn(process.execPath, args, { cwd, env: { ...process.env, COLUMNS: "80" } }));
}

async function consoleBlock(block: string, cwd: string): Promise<string> {
  let out = "";
  for (const line of block.split("\n")) {
    if (!line.startsWith("$ ")) continue;
    const { out: printed, err } = await perform(line.slice(2), cwd);
    out += `${line}\n${printed}${err}`;
  }
  return out;
}

async function sessionBlock(block: string, session: Session): Promise<string> {
  const entries: string[] = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("~> ")) entries.push(line.slice(3));
    else if (line.startsWith(".. ")) entries.push(`${entries.pop() ?? ""}\n${line.slice(3)}`);
  }
  let out = "";
  for (const entry of entries) {
    const { outputs } = await session.run(entry);
    out += `~> ${entry.replaceAll("\n", "\n.. ")}\n`;
    for (const o of outputs) out += `${printOutput(o, { color: false, width: 80 })}\n`;
  }
  return out;
}

const scratch = scratchFolder();
const names = readdirSync(pages).filter((name) => /^\d-.*\.md$/.test(name));

test("there are six steps", () => expect(names.length).toBe(6));

test.for(names)("%s", { timeout: 120_000 }, async (name) => {
  const path = join(pages, name);
  const text = readFileSync(path, "utf8");
  const folder = join(scratch.path, name);
  clone(folder);
  const before = process.cwd();
  const session = new Session();
  let actual = "";
  let at = 0;
  for (const found of text.matchAll(/^```(\w+)(?: title=(\S+))?\n([\s\S]*?)^```$/gm)) {
    const [whole, language, title, block] = found;
    let body = block;
    if (title !== undefined) {
      mkdirSync(dirname(join(folder, title)), { recursive: true });
      writeFileSync(join(folder, title), block);
    } else if (language === "console") body = await consoleBlock(block, folder);
    else if (block.startsWith("~> ")) {
      process.chdir(folder);
      body = await sessionBlock(block, session).finally(() => process.chdir(before));
    }
    actual += `${text.slice(at, found.index)}${whole.replace(block, () => body)}`;
    at = found.index + whole.length;
  }
  actual += text.slice(at);
  if (process.env.UPDATE_GOLDEN !== "1") expect(timeless(text)).toBe(timeless(actual));
  else if (timeless(text) !== timeless(actual)) writeFileSync(path, actual);
});
