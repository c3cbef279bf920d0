/** Completion: what can stand where the cursor is. */
import { readdirSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { IToken } from "../../../grammar/chevrotain.js";
import * as t from "../../../grammar/tokens.js";
import { DiagnosticSink } from "../../base/diagnostic.js";
import { distributions } from "../../distributions/index.js";
import { builtinAliases, builtinRules } from "../../elaborate/builtins.js";
import { combinatorNames } from "../../elaborate/names.js";
import { tokenEnd } from "../../syntax/lower-context.js";
import { tokenizeSource } from "../../syntax/tokenize.js";
import { methodNames, methods } from "../methods.js";
import { loadImport } from "../sources.js";
import { isMethod } from "./evaluate.js";
import {
  commandNames,
  drawSummaries,
  fitMembers,
  isSessionFunction,
  runOptions,
  sessionFunctions,
  snakeCase,
} from "./names.js";
import type { Workspace } from "./workspace.js";

export interface Completion {
  /** Where the text begins that a candidate takes the place of. */
  readonly from: number;
  readonly candidates: readonly string[];
}

/** Names that can stand at `cursor`, sorted; those that begin with what is there. */
export function complete(workspace: Workspace, text: string, cursor: number): Completion {
  const before = text.slice(0, cursor);
  const command = /^(\s*:)(\S*)$/.exec(before);
  if (command !== null) return matching(commandNames, command[2], command[1].length);
  const file = /^\s*:(?:load|data|save|l)\s+(?:.*\s)?(\S*)$/.exec(before);
  if (file !== null) return files(file[1], cursor - file[1].length);
  const doc = /^\s*:doc\s+([\w.:]*)$/.exec(before);
  const isDoc = doc !== null;
  const sink = new DiagnosticSink();
  const start = /^\s*:\S+/.exec(before)?.[0].length ?? 0;
  const padded = " ".repeat(start) + before.slice(start);
  const { tokens } = tokenizeSource({ path: "", text: padded }, sink);
  const last = tokens.at(-1);
  const isWord =
    last !== undefined &&
    tokenEnd(last) === cursor &&
    t.matchIdentifier(last.image, 0) === last.image;
  const word = isWord ? last.image : "";
  const from = cursor - word.length;
  const rest = isWord ? tokens.slice(0, -1) : tokens;
  if (rest.at(-1)?.tokenType === t.Dot) {
    return matching(membersOf(workspace, rest.slice(0, -1)), word, from);
  }
  const named = isDoc ? [] : keywordsAt(workspace, rest);
  const keywords = named.filter((n) => n.startsWith(word)).map((n) => `${n}: `);
  const names = matching(allNames(workspace, isDoc), word, from);
  const isFresh = word === "" && keywords.length > 0;
  return { from, candidates: [...keywords, ...(isFresh ? [] : names.candidates)] };
}

function matching(names: Iterable<string>, word: string, from: number): Completion {
  const found = [...new Set(names)].filter((n) => n.startsWith(word));
  return { from, candidates: found.sort() };
}

function allNames(workspace: Workspace, isDoc: boolean): string[] {
  const commands = isDoc ? commandNames.map((n) => `:${n}`) : [];
  return [
    ...workspace.values.keys(),
    ...workspace.decls.keys(),
    ...workspace.imports.keys(),
    ...importedFunctions(workspace),
    ...Object.keys(sessionFunctions),
    ...drawSummaries,
    ...methodNames,
    ...Object.keys(distributions),
    ...combinatorNames,
    ...Object.keys(builtinRules).filter((n) => !operators.has(n)),
    ...Object.keys(builtinAliases),
    ...(isDoc ? [] : t.reservedWords),
    ...commands,
  ];
}

/** Builtins that are written as operators. */
const operators: ReadonlySet<string> = new Set(
  "neg not add sub mul div mod lt le gt ge eq ne and or matmul maximum minimum".split(" "),
);

function importedFunctions(workspace: Workspace, only?: string): string[] {
  return [...workspace.imports].flatMap(([name, i]) => {
    if (only !== undefined && name !== only) return [];
    const path = typeof i.path === "string" ? i.path : i.path.map((n) => n.text);
    const file = loadImport(path, i.span.source);
    return file !== undefined && "kind" in file ? file.decls.map((d) => d.name.text) : [];
  });
}

function membersOf(workspace: Workspace, tokens: readonly IToken[]): readonly string[] {
  const last = tokens.at(-1);
  if (last === undefined) return [];
  if (last.tokenType === t.RParen) {
    const open = openingOf(tokens, tokens.length - 1);
    const callee = tokens[open - 1]?.image ?? "";
    return distMembers(workspace, callee);
  }
  const v = workspace.values.get(last.image);
  if (v?.kind === "fit") {
    const calls = ["plot", "predict", "save", "summary"].map((n) => `${n}(`);
    return [...v.posterior.names, ...Object.keys(fitMembers), ...calls];
  }
  if (v?.kind === "predictions") return [...v.variables.keys()];
  if (v?.kind === "dist") return ["log_prob(", "cdf(", "mean"];
  return importedFunctions(workspace, last.image);
}

function distMembers(workspace: Workspace, callee: string): string[] {
  const isCombinator = (combinatorNames as readonly string[]).includes(callee);
  const d = Object.hasOwn(distributions, callee) ? distributions[callee] : undefined;
  if (d === undefined && !isCombinator && !workspace.isFunction(callee)) return [];
  const cdf = d === undefined || d.cdf !== undefined ? ["cdf("] : [];
  const mean = d === undefined || d.mean !== undefined ? ["mean"] : [];
  return ["log_prob(", ...cdf, ...mean];
}

function openingOf(tokens: readonly IToken[], at: number): number {
  let depth = 0;
  for (let i = at; i >= 0; i--) {
    const type = tokens[i].tokenType;
    if (type === t.RParen || type === t.RBracket || type === t.RBrace) depth++;
    else if (type === t.LParen || type === t.LBracket || type === t.LBrace) depth--;
    if (depth === 0) return i;
  }
  return -1;
}

/** Names of arguments of the call that the cursor stands in, where an argument begins. */
function keywordsAt(workspace: Workspace, tokens: readonly IToken[]): string[] {
  const last = tokens.at(-1)?.tokenType;
  if (last !== t.LParen && last !== t.Comma) return [];
  let depth = 0;
  let open = tokens.length - 1;
  for (; open >= 0; open--) {
    const type = tokens[open].tokenType;
    if (type === t.RParen || type === t.RBracket || type === t.RBrace) depth++;
    else if (type === t.LParen && depth === 0) break;
    else if (type === t.LParen || type === t.LBracket || type === t.LBrace) depth--;
    if (depth < 0) return [];
  }
  const callee = tokens[open - 1]?.image;
  if (open < 1 || callee === undefined) return [];
  const inside = tokens.slice(open + 1);
  const given = new Set(
    inside.flatMap((x, k) => (inside[k + 1]?.tokenType === t.Colon ? [x.image] : [])),
  );
  return argumentNames(workspace, callee, inside).filter((n) => !given.has(n));
}

function argumentNames(
  workspace: Workspace,
  callee: string,
  inside: readonly IToken[],
): readonly string[] {
  const decl = workspace.decls.get(callee);
  if (decl !== undefined) return decl.params.map((p) => p.name.text);
  if (Object.hasOwn(distributions, callee)) {
    return [...new Set(distributions[callee].parameterisations.flat().map((p) => p.name))];
  }
  if (callee === "Truncated" || callee === "Censored") return ["lower", "upper"];
  if (isMethod(callee)) {
    const { method: _, ...options } = methods[callee]();
    return Object.keys(options).map(snakeCase);
  }
  if (!isSessionFunction(callee)) return [];
  const first = inside[0]?.image ?? "";
  const isModel = workspace.models.includes(first) || workspace.values.get(first)?.kind === "model";
  if (callee === "condition" && isModel) return modelNames(workspace, first);
  if (callee === "predict") {
    const v = workspace.values.get(first);
    const model = v?.kind === "fit" ? v.posterior.fit.conditioned.model : undefined;
    return [...(model?.inputs.map((i) => i.name) ?? []), "seed"];
  }
  return callee === "infer" ? runOptions : sessionFunctions[callee].named;
}

function modelNames(workspace: Workspace, name: string): string[] {
  try {
    const model = workspace.model(name);
    const sites = model.variables.filter((v) => v.role === "site");
    return [...model.inputs, ...sites].map((v) => v.name);
  } catch {
    // A model with errors tells no names; the errors are told where it is used.
    return [];
  }
}

function files(typed: string, from: number): Completion {
  const path = typed.startsWith("~/") ? join(homedir(), typed.slice(2)) : typed;
  const folder = path.endsWith("/") || path === "" ? path || "." : dirname(path);
  const begin = path.endsWith("/") || path === "" ? "" : basename(path);
  const kept = typed.slice(0, typed.length - begin.length);
  try {
    const found = readdirSync(folder, { withFileTypes: true })
      .filter((f) => f.name.startsWith(begin) && (begin !== "" || !f.name.startsWith(".")))
      .map((f) => `${kept}${f.name}${f.isDirectory() ? "/" : ""}`);
    return { from, candidates: found.sort() };
  } catch {
    // A folder that cannot be read has nothing to offer.
    return { from, candidates: [] };
  }
}
