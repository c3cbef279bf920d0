/** Entries of earlier sessions: a file of JSON strings, one an entry. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/** Entries that are kept. */
const MOST = 1000;

/** Where the history lies, by the XDG base directories; `TILDE_HISTORY` says otherwise. */
export function historyPath(env: NodeJS.ProcessEnv = process.env): string {
  const { TILDE_HISTORY: own, XDG_STATE_HOME: state } = env;
  if (own !== undefined && own !== "") return own;
  // The standard asks for relative paths to be ignored.
  const base = state?.startsWith("/") === true ? state : join(homedir(), ".local", "state");
  return join(base, "tilde", "history");
}

/** The entries, oldest first. A file that cannot be read or written costs the history only. */
export class History {
  readonly entries: string[];

  constructor(readonly path: string) {
    this.entries = readEntries(path);
    if (this.entries.length > 2 * MOST) {
      this.entries.splice(0, this.entries.length - MOST);
      quietly(() => writeFileSync(path, this.entries.map(line).join(""), { mode: 0o600 }));
    }
  }

  add(entry: string): void {
    const text = entry.trimEnd();
    if (text.trim() === "" || text === this.entries.at(-1)) return;
    this.entries.push(text);
    quietly(() => {
      mkdirSync(dirname(this.path), { recursive: true });
      // Appending keeps what other sessions write at the same time.
      appendFileSync(this.path, line(text), { mode: 0o600 });
    });
  }
}

const line = (entry: string): string => `${JSON.stringify(entry)}\n`;

function readEntries(path: string): string[] {
  let text = "";
  quietly(() => {
    text = readFileSync(path, "utf8");
  });
  return text.split("\n").flatMap((l) => {
    try {
      const entry: unknown = JSON.parse(l);
      return typeof entry === "string" ? [entry] : [];
    } catch {
      // Half a line of a session that was killed.
      return [];
    }
  });
}

function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // History is a convenience: a folder that cannot be written is no reason to fail.
  }
}
