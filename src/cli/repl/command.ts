/** `tilde repl`: at a terminal a prompt, else a script from `--eval` or the standard input. */
import { createInterface } from "node:readline";
import type { Answer, Output, RunOptions } from "../../run/repl/output.js";
import type { Session } from "../../run/repl/session.js";
import type { ExitCode } from "../exit-code.js";
import { wantsColor } from "../failure.js";
import { PROMPT } from "./editor.js";
import { interact } from "./terminal.js";

export interface ReplFlags {
  readonly eval?: readonly string[];
}

/** @param files `.ppl` files, saved sessions and data that are loaded first */
export async function replCommand(files: readonly string[], flags: ReplFlags): Promise<ExitCode> {
  const first = files.map((f) => (/\.(json|csv|tsv)$/i.test(f) ? `:data ${f}` : `:load ${f}`));
  if (flags.eval !== undefined) {
    const session = await newSession();
    const answers = await runAll(session, [...first, ...flags.eval]);
    session.close();
    return answers;
  }
  const { stdin, stdout } = process;
  if (stdin.isTTY && stdout.isTTY && process.env.TERM !== "dumb") return await prompt(first);
  return stdin.isTTY ? await plainPrompt(first) : await piped(first);
}

async function newSession(): Promise<Session> {
  const { Session: Made } = await import("../../run/repl/session.js");
  return new Made();
}

/** Prints what an entry answers: what is wrong goes to the standard error. */
async function print(answer: Answer, withNotes: boolean): Promise<void> {
  const { printOutput } = await import("./print.js");
  for (const o of answer.outputs) {
    if (o.kind === "note" && !withNotes) continue;
    const stream = isTrouble(o) ? process.stderr : process.stdout;
    const width = stream.isTTY ? stream.columns : undefined;
    const text = printOutput(o, { color: wantsColor(stream), width });
    if (text !== "") stream.write(`${text}\n`);
  }
}

function isTrouble(o: Output): boolean {
  return o.kind === "diagnostics" || o.kind === "broken";
}

/** Runs texts as scripts; the first entry that fails ends them. */
async function runAll(session: Session, texts: readonly string[]): Promise<ExitCode> {
  const { entriesOf } = await import("../../run/repl/commands.js");
  for (const text of texts) {
    for (const entry of entriesOf(text)) {
      const answer = await session.run(entry, await watched());
      await print(answer, false);
      if (!answer.ok) return 1;
      if (answer.quit) return 0;
    }
  }
  return 0;
}

/** Ctrl-C ends a script as any other program. */
async function watched(): Promise<RunOptions> {
  return {};
}

async function piped(first: readonly string[]): Promise<ExitCode> {
  const session = await newSession();
  try {
    const code = await runAll(session, first);
    if (code !== 0) return code;
    let entry = "";
    for await (const line of createInterface({ input: process.stdin, terminal: false })) {
      entry = entry === "" ? line : `${entry}\n${line}`;
      if (session.isIncomplete(entry)) continue;
      const answer = await session.run(entry);
      entry = "";
      await print(answer, false);
      if (!answer.ok) return 1;
      if (answer.quit) return 0;
    }
    if (entry.trim() === "") return 0;
    const answer = await session.run(entry);
    await print(answer, false);
    return answer.ok ? 0 : 1;
  } finally {
    session.close();
  }
}

/** A terminal that can only print lines. */
async function plainPrompt(first: readonly string[]): Promise<ExitCode> {
  const session = await newSession();
  let stop: AbortController | undefined;
  const interrupt = (): void => {
    if (stop === undefined) process.stdout.write(`\n${PROMPT}`);
    else stop.abort();
  };
  process.on("SIGINT", interrupt);
  const run = async (text: string): Promise<boolean> => {
    stop = new AbortController();
    const answer = await session.run(text, { stop: stop.signal });
    stop = undefined;
    await print(answer, true);
    return answer.quit;
  };
  for (const text of first) await run(text);
  let entry = "";
  process.stdout.write(PROMPT);
  for await (const line of createInterface({ input: process.stdin, terminal: false })) {
    entry = entry === "" ? line : `${entry}\n${line}`;
    if (!session.isIncomplete(entry)) {
      if (await run(entry)) break;
      entry = "";
    }
    process.stdout.write(entry === "" ? PROMPT : ".. ");
  }
  process.off("SIGINT", interrupt);
  session.close();
  return 0;
}

async function prompt(first: readonly string[]): Promise<ExitCode> {
  const color = wantsColor(process.stdout);
  await interact({
    color,
    load: async () => {
      const session = await newSession();
      const { highlight } = await import("../../run/repl/highlight.js");
      for (const text of first) {
        process.stdout.write("\r\u001b[J");
        await print(await session.run(text), true);
      }
      // The parser is built at its first use: better now than at the first Enter.
      session.isIncomplete("x");
      const language = {
        isIncomplete: (text: string) => session.isIncomplete(text),
        complete: (text: string, cursor: number) => session.complete(text, cursor),
        highlight,
      };
      return { session, language };
    },
    run: async (session, text, signals) => {
      const { progressView } = await import("../progress.js");
      const answer = await session.run(text, {
        ...signals,
        watch: (method) => {
          if (!("chains" in method) || !("thin" in method)) return {};
          const view = progressView(method);
          return { onProgress: view.update, close: view.close };
        },
      });
      await print(answer, true);
      return answer.quit;
    },
  });
  return 0;
}
