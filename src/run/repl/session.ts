/**
 * An interactive session: entries in, outputs out. It knows no terminal: the command line, tests and
 * notebooks are its clients.
 */
import { type Diagnostic, diagnostic, TildeError } from "../../base/diagnostic.js";
import { InternalError } from "../../base/internal.js";
import type { Source } from "../../base/span.js";
import { writtenNames } from "../../model/auxiliary.js";
import type * as ast from "../../syntax/ast.js";
import { withoutMemory } from "../failure.js";
import { callMethod, callSession } from "./calls.js";
import { runCommand } from "./commands.js";
import { type Completion, complete } from "./complete.js";
import { type Item, isCommand, isIncomplete, parseEntry } from "./entry.js";
import { type Cx, evaluate, runStatement } from "./evaluate.js";
import { InferenceThread } from "./inference.js";
import { textOf } from "./language.js";
import {
  type Answer,
  definedOutputs,
  headOf,
  type Output,
  type RunOptions,
  shownOutputs,
} from "./output.js";
import { brokenBy } from "./shown.js";
import { arrayText, type Value } from "./values.js";
import { errorsOf, type NamedValue, Workspace } from "./workspace.js";

export class Session {
  readonly workspace = new Workspace();
  readonly #thread = new InferenceThread();
  /** Entries that defined something, for `:save`. */
  readonly script: string[] = [];
  /** All entries, for `:history`. */
  readonly history: string[] = [];
  #count = 0;

  /** Ends the thread that inferences run in. */
  close(): void {
    this.#thread.close();
  }

  /** Whether an entry needs more lines. */
  isIncomplete(text: string): boolean {
    return isIncomplete(text);
  }

  /** Names that can stand at `cursor` of an entry. */
  complete(text: string, cursor = text.length): Completion {
    return complete(this.workspace, text, cursor);
  }

  /**
   * Runs one entry. Never throws: what is wrong is among the outputs. Of several statements those
   * before the one that fails have been run.
   */
  async run(text: string, options: RunOptions = {}): Promise<Answer> {
    if (text.trim() === "") return { outputs: [], ok: true, quit: false };
    this.history.push(text.trimEnd());
    this.#count += 1;
    const source: Source = { path: `<${this.#count}>`, text };
    const outputs: Output[] = [];
    const cx: Cx = {
      workspace: this.workspace,
      source,
      signal: options.stop,
      warn: (list) => {
        if (list.length > 0) outputs.push({ kind: "diagnostics", list });
      },
      thread: this.#thread,
      watch: (method) => ({
        stop: options.stop,
        kill: options.kill,
        ...options.watch?.(method),
      }),
      callSession,
      callMethod,
    };
    let quit = false;
    let ok = true;
    try {
      if (isCommand(text)) {
        const result = await runCommand({ session: this, cx, outputs, options }, source);
        quit = result.quit;
        ok = result.ok;
        if (result.keep) this.script.push(text.trim());
      } else {
        await this.#entry(cx, source, outputs);
      }
    } catch (error) {
      ok = false;
      outputs.push(failureOf(error));
    }
    return { outputs, ok, quit };
  }

  async #entry(cx: Cx, source: Source, outputs: Output[]): Promise<void> {
    const { items, diagnostics } = parseEntry(source);
    if (errorsOf(diagnostics).length > 0) throw new TildeError(diagnostics);
    cx.warn(diagnostics);
    for (const item of items) {
      const shown = await this.#item(cx, item);
      if (!item.silent) outputs.push(...shown);
      // What is doubtful about a fit is told all the same.
      else cx.warn(shown.flatMap((o) => (o.kind === "fit" ? o.posterior.summary().warnings : [])));
      if (item.kind !== "expression") this.script.push(textAt(item));
    }
  }

  async #item(cx: Cx, item: Item): Promise<Output[]> {
    switch (item.kind) {
      case "declarations":
        return this.declare(cx, item.imports, item.decls);
      case "definition": {
        const name = item.name.text;
        const value = await evaluate(cx, item.value);
        const named = nameable(value, item.value);
        this.workspace.define(name, named);
        return definedOutputs(name, named);
      }
      case "statement":
        return await this.#statement(cx, item.stmt);
      case "expression": {
        const value = await evaluate(cx, item.value);
        return shownOutputs(textOf(item.value.span), value);
      }
    }
  }

  async #statement(cx: Cx, stmt: ast.Stmt): Promise<Output[]> {
    const words: { readonly [K in ast.Stmt["kind"]]?: string } = {
      observe: "`observe`",
      param: "`param`",
      factor: "`factor`",
      return: "`return`",
    };
    const what = words[stmt.kind];
    if (what !== undefined) {
      throw new TildeError([diagnostic("session_statement", stmt.span, { what })]);
    }
    const defined = await runStatement(cx, stmt);
    return [...defined].flatMap(([name, value]) => {
      this.workspace.define(name, value);
      const isDraw = stmt.kind === "sample" && value.kind === "array";
      return isDraw
        ? [{ kind: "text", text: `${name} = ${arrayText(value)}` } satisfies Output]
        : definedOutputs(name, value);
    });
  }

  /**
   * Takes declarations into the session, in the place of earlier ones of the same names.
   * @throws TildeError where they have errors
   */
  declare(cx: Cx, imports: readonly ast.ImportDecl[], decls: readonly ast.Decl[]): Output[] {
    const { workspace } = this;
    const sources = new Set([...imports, ...decls].map((d) => d.span.source));
    const isOwn = (d: Diagnostic): boolean => d.span === undefined || sources.has(d.span.source);
    const before = workspace.check(workspace.file(cx.source));
    const after = workspace.check(workspace.file(cx.source, { imports, decls }));
    const own = after.diagnostics.filter(isOwn);
    if (errorsOf(own).length > 0) throw new TildeError(own);
    workspace.declare(imports, decls);
    cx.warn(own);
    const outputs: Output[] = decls.map((d) => {
      const model = after.models.get(d.name.text);
      const names = model && writtenNames(model).join(", ");
      const more = names === undefined || names === "" ? "" : `: ${names}`;
      return { kind: "note", text: `${d.kind} ${headOf(d)}${more}` };
    });
    const broken = [...before.models.keys()].filter(
      (name) => !after.models.has(name) && !decls.some((d) => d.name.text === name),
    );
    const by = decls[0]?.name.text ?? "an import";
    cx.warn(broken.map((name) => brokenBy(name, by)));
    return outputs;
  }
}

function textAt({ span }: Item): string {
  const { source, start, end } = span;
  // Documentation above a declaration goes with it.
  const above = /(?:^|\n)((?:[ \t]*\/\/\/[^\n]*\n)+)[ \t]*$/.exec(source.text.slice(0, start));
  return `${above?.[1] ?? ""}${source.text.slice(start, end)}`;
}

function nameable(value: Value, e: ast.Expr): NamedValue {
  switch (value.kind) {
    case "string":
    case "summary":
    case "plan":
    case "text":
      throw new TildeError([
        diagnostic("session_kind", e.span, {
          text: textOf(e.span),
          what: value.kind === "text" ? "something to look at" : `a ${value.kind}`,
          wanted: "a value to keep",
        }),
      ]);
    default:
      return value;
  }
}

function failureOf(thrown: unknown): Output {
  const error = withoutMemory(thrown);
  if (error instanceof TildeError) return { kind: "diagnostics", list: error.diagnostics };
  const known =
    error instanceof InternalError
      ? error
      : new InternalError(error instanceof Error ? error.message : String(error));
  return { kind: "broken", message: known.message };
}
