/** The prompt on a real pseudo-terminal, made by util-linux's `script`. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { scratchFolder } from "../../helpers/cli.js";

const scratch = scratchFolder();
const command = join(import.meta.dirname, "../../../bin/tilde.js");

const version = spawnSync("script", ["--version"], { encoding: "utf8" });
const hasTerminal = version.status === 0 && version.stdout.includes("util-linux");
if (!hasTerminal) {
  console.warn("the terminal tests are skipped: there is no util-linux `script` to make one");
}

/** What the terminal shows, without what moves the cursor and colours. */
const plain = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminals are driven by them
  text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "").replace(/\r/g, "");

class Terminal {
  readonly child: ChildProcessWithoutNullStreams;
  output = "";
  #read = 0;
  readonly closed: Promise<number | null>;

  constructor(env: Readonly<Record<string, string>> = {}) {
    const inner = `stty cols 80 rows 24; exec '${process.execPath}' '${command}' repl`;
    this.child = spawn("script", ["-qec", inner, "/dev/null"], {
      env: { ...process.env, TERM: "xterm-256color", XDG_STATE_HOME: scratch.path, ...env },
    });
    this.child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.output += text;
    });
    this.closed = new Promise((resolve) => this.child.on("close", resolve));
  }

  send(text: string): void {
    this.child.stdin.write(text);
  }

  /** Waits until the terminal shows `what` after what was waited for before. */
  async until(what: string | RegExp, seconds = 20): Promise<string> {
    const end = performance.now() + seconds * 1000;
    for (;;) {
      const shown = plain(this.output).slice(this.#read);
      const at = typeof what === "string" ? shown.indexOf(what) : shown.search(what);
      if (at >= 0) {
        const length = typeof what === "string" ? what.length : (what.exec(shown)?.[0].length ?? 0);
        this.#read += at + length;
        return shown.slice(0, at + length);
      }
      if (performance.now() > end) throw new Error(`no ${what} in ${JSON.stringify(shown)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

let terminal: Terminal | undefined;
afterEach(() => {
  terminal?.child.kill("SIGKILL");
});

function open(env?: Readonly<Record<string, string>>): Terminal {
  terminal = new Terminal(env);
  return terminal;
}

describe.skipIf(!hasTerminal)("at a terminal", () => {
  test("a prompt, answers, colours, and Ctrl-D to leave", async () => {
    const t = open();
    await t.until("~> ");
    t.send("Normal(0, 1).log_prob(0.3)\r");
    await t.until("-0.9639385\n");
    expect(t.output).toContain("\u001b[36mNormal\u001b[0m");
    t.send("\u0004");
    expect(await t.closed).toBe(0);
  });

  test("NO_COLOR leaves the text as it is, and a dumb terminal gets lines", async () => {
    const t = open({ NO_COLOR: "1" });
    await t.until("~> ");
    t.send("exp(0)\r");
    await t.until("\n1\n");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are made of it
    expect(t.output).not.toMatch(/\u001b\[\d+m/);
    t.child.kill("SIGKILL");
    const dumb = open({ TERM: "dumb" });
    await dumb.until("~> ");
    dumb.send("1 +\n");
    await dumb.until(".. ");
    dumb.send("2\n");
    await dumb.until("3\n");
    expect(dumb.output).not.toContain("\u001b");
  });

  test("several lines, indented, one of them a mistake", async () => {
    const t = open();
    await t.until("~> ");
    t.send("model m() {\r");
    await t.until(/\.\. {3}/);
    t.send("x ~ Normal(0, 1)\r}\r");
    await t.until("model m(): x\n");
    t.send("x +\r");
    await t.until("..");
    t.send("nope\r");
    await t.until("error: `x` is not defined");
    await t.until("~> ");
    // What was typed wrong is left by Ctrl-C.
    t.send("f(1,\r\u0003");
    await t.until("~> ");
    t.send("1 + 1\r");
    await t.until("\n2\n");
  });

  test("a paste of several lines is one entry", async () => {
    const t = open();
    await t.until("~> ");
    t.send("\u001b[200~y = [1,\n  2]\u001b[201~\r");
    await t.until("y: int[2]\n");
  });

  test("Tab completes names, members and arguments", async () => {
    const t = open();
    await t.until("~> ");
    t.send("HalfC\t(1).\t\t");
    await t.until("HalfCauchy(1).");
    await t.until("cdf(");
    await t.until("log_prob(");
    t.send("cd\t1)\r");
    await t.until("\n0.5\n");
  });

  test("Ctrl-C ends an inference, of chains with their draws, and the session goes on", async () => {
    const t = open();
    await t.until("~> ");
    t.send("model m() { a ~ Normal(0, 1) }\r");
    await t.until("model m(): a\n");
    t.send("fit = infer(m, draws: 1000000, thin: 1000)\r");
    await t.until(/sampling \d+/);
    t.send("\u0003");
    await t.until("(stopped)");
    t.send("mean(fit.a) < 10\r");
    await t.until("\ntrue\n");
    // A method of one piece has nothing to keep.
    t.send("b = prior(m, draws: 20000000)\r");
    await new Promise((resolve) => setTimeout(resolve, 1500));
    t.send("\u0003");
    await t.until("inference of `m` was stopped");
    t.send("2 + 3\r");
    await t.until("\n5\n");
  }, 90_000);

  test("keys that come while something runs are kept for the next prompt", async () => {
    const t = open();
    await t.until("~> ");
    t.send("x = 20\ry = 22\rx + y\r");
    await t.until("\n42\n");
  });

  test("the history comes back in the next session", async () => {
    const state = `${scratch.path}/kept`;
    const one = open({ XDG_STATE_HOME: state });
    await one.until("~> ");
    one.send("h = 40\r");
    await one.until("h: int");
    one.send("\u0004");
    await one.closed;
    expect(readFileSync(`${state}/tilde/history`, "utf8")).toBe('"h = 40"\n');
    const two = open({ XDG_STATE_HOME: state });
    await two.until("~> ");
    two.send("\u001b[A + 2\r");
    await two.until("h: int\n");
    two.send("h\r");
    await two.until("\n42\n");
  });

  test("a history that cannot be written does no harm", async () => {
    const t = open({ TILDE_HISTORY: `${command}/history` });
    await t.until("~> ");
    t.send("1 + 1\r");
    await t.until("\n2\n");
  });

  test("entries wider than the terminal and wide characters stay whole", async () => {
    const t = open();
    await t.until("~> ");
    const long = Array.from({ length: 60 }, (_, k) => k).join(" + ");
    t.send(`${long}\r`);
    await t.until("\n1770\n");
    t.send('"日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語"\r');
    await t.until('日本語"\n');
  });
});
