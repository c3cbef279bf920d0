/**
 * What a file can call: its own functions and those of its imports.
 *
 * `import stats.glm` and `import "./glm.ppl"` bring every function of that file as `glm.f` (the last
 * segment of the path, without its extension) and as plain `f`. The file's own `f` comes first; a
 * plain `f` that two imports define must be written with its file.
 */
import type { Diagnostic } from "../base/diagnostic.js";
import type { Source } from "../base/span.js";
import type * as ast from "../syntax/ast.js";
import { quote, type Reporter } from "./context.js";
import type { FileEnv } from "./scope.js";

/**
 * Finds the file of an import: `path` is the text of `import "./x.ppl"` or the segments of
 * `import stats.glm`; `from` is the importing source. Undefined where there is no such file.
 * The loaded file's source path tells files apart.
 */
export type LoadImport = (
  path: string | readonly string[],
  from: Source,
) => ast.SourceFile | readonly Diagnostic[] | undefined;

export interface Files {
  readonly reporter: Reporter;
  readonly load?: LoadImport;
  /** By source path. */
  readonly done: Map<string, FileEnv>;
  readonly extra: Diagnostic[];
}

/** The environment of a file, its imports loaded; `chain` holds the paths of the importing files. */
export function fileEnv(files: Files, file: ast.SourceFile, chain: readonly string[]): FileEnv {
  const { path } = file.span.source;
  const known = files.done.get(path);
  if (known !== undefined) return known;
  const env: FileEnv = {
    fns: new Map(),
    layers: new Map(),
    objectives: new Map(),
    dists: new Map(),
    modules: new Map(),
    ambiguous: new Map(),
    others: new Map(),
  };
  files.done.set(path, env);
  declareAll(files.reporter, file, env);
  const own = new Set([
    ...env.fns.keys(),
    ...env.layers.keys(),
    ...env.objectives.keys(),
    ...env.dists.keys(),
  ]);
  const origin = new Map<string, string>();
  for (const decl of file.imports) {
    const imported = openImport(files, decl, [...chain, path]);
    if (imported === undefined) continue;
    const name = importName(decl);
    env.modules.set(name, imported.env);
    for (const { name: called } of imported.file.decls) {
      const { text } = called;
      if (own.has(text) || !isCallable(imported.env, text)) continue;
      const first = origin.get(text);
      if (first === undefined) {
        takeOver(env, imported.env, text);
        origin.set(text, name);
      } else {
        for (const known of [env.fns, env.layers, env.objectives, env.dists]) known.delete(text);
        env.ambiguous.set(text, [...(env.ambiguous.get(text) ?? [first]), name]);
      }
    }
  }
  return env;
}

/** What an import brings: functions, modules, objectives and distributions. */
function isCallable(env: FileEnv, name: string): boolean {
  const { fns, layers, objectives, dists } = env;
  return fns.has(name) || layers.has(name) || objectives.has(name) || dists.has(name);
}

function takeOver(env: FileEnv, from: FileEnv, name: string): void {
  const fn = from.fns.get(name);
  if (fn !== undefined) env.fns.set(name, fn);
  const layer = from.layers.get(name);
  if (layer !== undefined) env.layers.set(name, layer);
  const objective = from.objectives.get(name);
  if (objective !== undefined) env.objectives.set(name, objective);
  const dist = from.dists.get(name);
  if (dist !== undefined) env.dists.set(name, dist);
}

function declareAll(reporter: Reporter, file: ast.SourceFile, env: FileEnv): void {
  const spans = new Map<string, ast.Name["span"]>();
  for (const d of file.decls) {
    const first = spans.get(d.name.text);
    if (first !== undefined) {
      reporter.report("name_taken", d.name.span, { name: d.name.text, what: d.kind }, [
        { span: first, text: `\`${d.name.text}\` is first defined here` },
      ]);
      continue;
    }
    spans.set(d.name.text, d.name.span);
    if (d.kind === "fn") env.fns.set(d.name.text, { decl: d, env });
    else env.others.set(d.name.text, d);
    if (d.kind === "module") env.layers.set(d.name.text, { decl: d, env });
    if (d.kind === "objective") env.objectives.set(d.name.text, { decl: d, env });
    if (d.kind === "dist") {
      const nothing: ast.Expr = { kind: "number", span: d.span, value: 0, isInt: true };
      const { name, span, params } = d;
      const token = { decl: { kind: "fn", span, name, params, body: nothing }, env } as const;
      env.dists.set(name.text, { decl: d, env, token });
    }
  }
}

/** The name under which an import's functions are qualified. */
export function importName(decl: ast.ImportDecl): string {
  if (typeof decl.path !== "string") return decl.path[decl.path.length - 1].text;
  const file = decl.path.split(/[/\\]/).pop() ?? decl.path;
  return file.replace(/\.ppl$/, "");
}

function openImport(
  files: Files,
  decl: ast.ImportDecl,
  chain: readonly string[],
): { readonly file: ast.SourceFile; readonly env: FileEnv } | undefined {
  const path = typeof decl.path === "string" ? decl.path : decl.path.map((n) => n.text);
  const loaded = files.load?.(path, decl.span.source);
  if (loaded === undefined) {
    const shown = quote(decl.span).replace(/^import\s+/, "");
    return files.reporter.report("import_not_found", decl.span, {
      path: shown,
      isFile: typeof path === "string",
    });
  }
  if (!("kind" in loaded)) {
    files.extra.push(...loaded);
    return undefined;
  }
  const target = loaded.span.source.path;
  if (chain.includes(target)) {
    const circle = [...chain.slice(chain.indexOf(target)), target];
    return files.reporter.report("import_cycle", decl.span, { circle });
  }
  return { file: loaded, env: fileEnv(files, loaded, chain) };
}
