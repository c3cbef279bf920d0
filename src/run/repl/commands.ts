/** Commands of a session: `:help` and its like. */
import { writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { fail, TildeError } from "../../base/diagnostic.js";
import { nearestNames } from "../../base/nearest.js";
import type { Source, Span } from "../../base/span.js";
import { emitModule } from "../../device/cpu/emit.js";
import { printWat } from "../../device/cpu/wat.js";
import { printModule } from "../../kernel/print.js";
import { printDist, printModel, printSupport, printType } from "../../model/print.js";
import { parseSource } from "../../syntax/parse.js";
import { printGraph } from "../../tensor/print.js";
import { inferenceMethods } from "../alternatives.js";
import { compileDensity, conditionRaw } from "../compile.js";
import { loadDataFiles } from "../data/files.js";
import { explainRaw } from "../explain.js";
import { methodNames } from "../methods.js";
import { loadSource, readReason } from "../sources.js";
import { placed } from "./arguments.js";
import { dataFor } from "./calls.js";
import { docOf } from "./docs.js";
import { isIncomplete, parseEntry } from "./entry.js";
import { type Cx, evaluate, typed } from "./evaluate.js";
import { type CommandName, commandNames, commands, sessionFunctions } from "./names.js";
import { headOf, type Output, type RunOptions, typeOfNumber } from "./output.js";
import type { Session } from "./session.js";
import { arrayOfData, dimsOf, drawCount, type ModelValue, valueWords } from "./values.js";
import { errorsOf } from "./workspace.js";

export interface CommandCx {
  readonly session: Session;
  readonly cx: Cx;
  readonly outputs: Output[];
  readonly options: RunOptions;
}

export interface CommandResult {
  readonly quit: boolean;
  readonly ok: boolean;
  /** Whether the command changed what the session holds. */
  readonly keep: boolean;
}

interface Words {
  /** What stands behind the command, and where. */
  readonly text: string;
  readonly span: Span;
}
type Rule = (c: CommandCx, words: Words) => Promise<Partial<CommandResult> | undefined>;

const show = ({ outputs }: CommandCx, text: string): undefined => {
  outputs.push({ kind: "text", text });
};

const rules: { readonly [C in CommandName]: Rule } = {
  help: async (c) => show(c, helpText()),
  doc: async (c, { text, span }) => {
    const name = wanted("doc", text, span);
    const found = docOf(c.cx.workspace, name);
    if (found === undefined) {
      fail("session_values", span, { text: name, wanted: "a name that is documented" });
    }
    return show(c, found);
  },
  type: async (c, words) => {
    const v = await typed(c.cx, expressionOf(c.cx, "type", words));
    if (v.kind === "number") {
      const over = [...v.inputs.values()].find((i) => i.kind === "draws");
      const count = over === undefined ? "" : `, ${drawCount(over)} draws`;
      return show(c, `${printType(v.value.type)}${count}`);
    }
    if (v.kind === "array" || v.kind === "draws") return show(c, typeOfNumber(v));
    if (v.kind === "dist" && "dist" in v) {
      const { dist } = v;
      const values = `${printType(dist.event)}, ${printSupport(dist.support)}`;
      return show(c, `a distribution of ${values}: ${printDist(dist)}`);
    }
    if (v.kind === "model") {
      const decl = c.cx.workspace.decls.get(v.name);
      return show(c, decl === undefined ? "a model" : `a model, ${headOf(decl)}`);
    }
    return show(c, valueWords[v.kind]);
  },
  shape: async (c, words) => {
    const e = expressionOf(c.cx, "shape", words);
    const known = await typed(c.cx, e);
    if (known.kind === "dist" && "dist" in known) {
      return show(c, `a draw is ${printType(known.dist.event)}`);
    }
    const v = await evaluate(c.cx, e);
    if (v.kind !== "array" && v.kind !== "draws") {
      const params = { text: words.text, what: valueWords[v.kind], wanted: "a number or an array" };
      return fail("session_kind", words.span, params);
    }
    const dims = dimsOf(v);
    const shape = dims.length === 0 ? "a scalar" : `[${dims.join(", ")}]`;
    if (v.kind === "array") return show(c, shape);
    const [chains, draws] = v.draws.shape;
    return show(c, `${shape}, ${chains} × ${draws} draws`);
  },
  explain: async (c, words) => {
    const { model, rest } = await modelAndWord(c, "explain", words);
    const method = inferenceMethods.find((m) => m === rest);
    if (rest !== undefined && method === undefined) {
      const what = `one of ${inferenceMethods.join(", ")}`;
      fail("bad_option", words.span, { option: "the method", value: rest, wanted: what });
    }
    const ir = c.cx.workspace.model(model.name);
    const data = { values: dataFor(c.cx, ir, model), problems: new Map() };
    const plan = await placed(words.span, () => explainRaw(ir, data, method));
    c.outputs.push({ kind: "plan", plan });
    return undefined;
  },
  methods: async (c, words) => {
    if (words.text === "") return show(c, methodNames.join(", "));
    const { model } = await modelAndWord(c, "methods", words);
    const ir = c.cx.workspace.model(model.name);
    const data = { values: dataFor(c.cx, ir, model), problems: new Map() };
    const plan = await placed(words.span, () => explainRaw(ir, data));
    const room = Math.max(...plan.methods.map((m) => m.method.length));
    const lines = plan.methods.map(({ method, works, reason }) => {
      return `${method.padEnd(room)}  ${works ? "works" : `no: ${reason}`}`;
    });
    return show(c, lines.join("\n"));
  },
  ir: async (c, words) => {
    const { model, rest } = await modelAndWord(c, "ir", words);
    const ir = c.cx.workspace.model(model.name);
    if (rest === undefined || rest === "model") return show(c, printModel(ir).trimEnd());
    const stage = (["graph", "grad", "kernel", "wat"] as const).find((s) => s === rest);
    if (stage === undefined) {
      const what = "one of model, graph, grad, kernel, wat";
      return fail("bad_option", words.span, { option: "the stage", value: rest, wanted: what });
    }
    const data = { values: dataFor(c.cx, ir, model), problems: new Map() };
    return await placed(words.span, () => {
      let graph = "";
      const { kernels } = compileDensity(conditionRaw(ir, data), {
        methodName: "nuts",
        record: (made, g) => {
          if (made === stage) graph = printGraph(g);
        },
      });
      if (stage === "kernel") graph = printModule(kernels);
      if (stage === "wat") graph = printWat(emitModule(kernels, {}).wasm);
      return show(c, graph.trimEnd());
    });
  },
  list: async (c) => show(c, listText(c)),
  load: async (c, { text, span }) => {
    const path = expandHome(wanted("load", text, span));
    const source = await placed(span, () => loadSource(path));
    if (path.endsWith(".ppl")) {
      loadDeclarations(c, source);
      return { keep: true };
    }
    return { keep: false, ok: await runScript(c.session, source.text, c.outputs, c.options) };
  },
  data: async (c, { text, span }) => {
    const paths = wanted("data", text, span).split(/\s+/).map(expandHome);
    const { values, problems } = await placed(span, () => loadDataFiles(paths));
    for (const [name, value] of values) c.cx.workspace.define(name, arrayOfData(value));
    const loaded = [...values].map(([n, v]) => `${n}: ${typeOfNumber(arrayOfData(v))}`);
    c.outputs.push({ kind: "note", text: loaded.join("\n") });
    // A column of words is no error of the others.
    if (problems.size > 0) {
      const names = [...problems.keys()].map((n) => `\`${n}\``).join(", ");
      c.outputs.push({ kind: "note", text: `left out, since they hold no numbers: ${names}` });
    }
    return { keep: true };
  },
  save: async (c, { text, span }) => {
    const path = expandHome(wanted("save", text, span));
    try {
      await writeFile(path, `${c.session.script.join("\n")}\n`);
    } catch (error) {
      fail("file_unwritable", span, { path, reason: readReason(error) });
    }
    return show(c, `saved in ${path}`);
  },
  seed: async (c, { text, span }) => {
    const seed = Number(text);
    if (!Number.isSafeInteger(seed) || seed < 0 || text === "") {
      fail("session_values", span, { text, wanted: "a whole number of at least 0" });
    }
    c.cx.workspace.reseed(seed);
    return { keep: true };
  },
  history: async (c, { text }) => {
    const { history } = c.session;
    const most = /^\d+$/.test(text) ? Number(text) : history.length;
    const first = Math.max(0, history.length - most);
    const room = String(history.length).length;
    const lines = history.slice(first).map((entry, k) => {
      const [head, ...rest] = entry.split("\n");
      const margin = " ".repeat(room + 2);
      return [`${String(first + k + 1).padStart(room)}  ${head}`, ...rest.map((r) => margin + r)];
    });
    return show(c, lines.flat().join("\n"));
  },
  reset: async (c) => {
    c.cx.workspace.clear();
    c.session.script.length = 0;
    return undefined;
  },
  quit: async () => ({ quit: true }),
};

/** Short forms. */
const shortened: Readonly<Record<string, CommandName>> = {
  h: "help",
  "?": "help",
  q: "quit",
  exit: "quit",
  t: "type",
  l: "load",
  vars: "list",
  ls: "list",
};

/** @throws TildeError where the command is unknown or fails */
export async function runCommand(c: CommandCx, source: Source): Promise<CommandResult> {
  const { text } = source;
  const start = text.indexOf(":") + 1;
  const name = /^\S*/.exec(text.slice(start))?.[0] ?? "";
  const command = commandNames.find((k) => k === name) ?? shortened[name];
  if (command === undefined) {
    const span = { source, start: start - 1, end: start + name.length };
    return fail("session_command", span, { name, near: nearestNames(name, commandNames) });
  }
  const rest = text.slice(start + name.length);
  const from = start + name.length + (rest.length - rest.trimStart().length);
  const words = { text: rest.trim(), span: { source, start: from, end: text.trimEnd().length } };
  if (words.text === "") words.span = { source, start: start - 1, end: start + name.length };
  const result = await rules[command](c, words);
  return { quit: false, ok: true, keep: false, ...result };
}

/**
 * Runs a script entry by entry, each as it would be typed; stops at the first that fails.
 * @returns whether all went well
 */
export async function runScript(
  session: Session,
  text: string,
  outputs: Output[],
  options: RunOptions,
): Promise<boolean> {
  for (const entry of entriesOf(text)) {
    const answer = await session.run(entry, options);
    outputs.push(...answer.outputs);
    if (!answer.ok) return false;
    if (answer.quit) return true;
  }
  return true;
}

/** The entries of a text: as many lines as each needs. */
export function* entriesOf(text: string): Generator<string, void> {
  let entry = "";
  for (const line of text.split(/\r\n|\n|\r/)) {
    entry = entry === "" ? line : `${entry}\n${line}`;
    if (isIncomplete(entry)) continue;
    if (entry.trim() !== "") yield entry;
    entry = "";
  }
  if (entry.trim() !== "") yield entry;
}

function wanted(command: CommandName, text: string, span: Span): string {
  if (text !== "") return text.replace(/^"(.*)"$/, "$1");
  const { usage } = commands[command];
  return fail("session_usage", span, { usage, what: `\`:${command}\` lacks what it is about` });
}

function expandHome(path: string): string {
  return path.startsWith("~/") ? join(homedir(), path.slice(2)) : path;
}

/** The expression behind a command, at its place in the line. */
function expressionOf(cx: Cx, command: CommandName, { text, span }: Words) {
  wanted(command, text, span);
  // Blanks in the command's place keep every position.
  const padded = " ".repeat(span.start) + cx.source.text.slice(span.start);
  const { items, diagnostics } = parseEntry({ path: cx.source.path, text: padded });
  if (errorsOf(diagnostics).length > 0) throw new TildeError(diagnostics);
  const [item] = items;
  if (items.length === 1 && item.kind === "expression") return item.value;
  return fail("session_usage", span, {
    usage: commands[command].usage,
    what: `\`${text}\` is no expression`,
  });
}

async function modelAndWord(
  { cx }: CommandCx,
  command: CommandName,
  { text, span }: Words,
): Promise<{ readonly model: ModelValue; readonly rest?: string }> {
  const split = /^(.*\S)\s+([a-z_]+)$/s.exec(wanted(command, text, span));
  const isModel = split !== null && !/[,(]\s*$/.test(split[1]);
  const head = isModel ? split[1] : text;
  const words = { text: head, span: { ...span, end: span.start + head.length } };
  const cut = { ...cx, source: { ...cx.source, text: cx.source.text.slice(0, words.span.end) } };
  const v = await evaluate(cx, expressionOf(cut, command, words));
  if (v.kind !== "model") {
    const what = valueWords[v.kind];
    return fail("session_kind", words.span, { text: head, what, wanted: valueWords.model });
  }
  return isModel ? { model: v, rest: split[2] } : { model: v };
}

/** Declarations of a file. */
export function loadDeclarations(c: CommandCx, source: Source): void {
  const { ast, diagnostics } = parseSource(source);
  if (errorsOf(diagnostics).length > 0) throw new TildeError(diagnostics);
  c.cx.warn(diagnostics);
  c.outputs.push(...c.session.declare(c.cx, ast.imports, ast.decls));
}

function helpText(): string {
  const room = Math.max(...commandNames.map((n) => commands[n].usage.length));
  const lines = commandNames.map((n) => `  ${commands[n].usage.padEnd(room)}  ${commands[n].doc}`);
  const calls = Object.values(sessionFunctions).map((f) => `  ${f.usage}`);
  return [
    "Type declarations (`model`, `fn`, `import` …), definitions (`x = e`), draws (`x ~ D`) and",
    "expressions. A `;` at the end shows nothing. Beside the functions of the language there are",
    ...calls,
    "and commands:",
    ...lines,
  ].join("\n");
}

function listText({ cx }: CommandCx): string {
  const { workspace } = cx;
  const lines: [string, string][] = [];
  for (const name of workspace.imports.keys()) lines.push([name, "import"]);
  for (const d of workspace.decls.values()) lines.push([d.name.text, `${d.kind} ${headOf(d)}`]);
  for (const [name, v] of workspace.values) {
    const isNumber = v.kind === "array" || v.kind === "draws";
    lines.push([name, isNumber ? typeOfNumber(v) : valueWords[v.kind]]);
  }
  if (lines.length === 0) return "nothing is defined";
  const room = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, what]) => `${name.padEnd(room)}  ${what}`).join("\n");
}
