/**
 * AST to model IR: names, then types and shapes, supports, and the order of elements. Every model
 * of the file is elaborated on its own; a model with an error is left out of the result.
 */
import type { Diagnostic } from "../base/diagnostic.js";
import type { Distribution } from "../distributions/contract.js";
import { distributions } from "../distributions/index.js";
import type { Model, Variable } from "../model/ir.js";
import { sizeVar } from "../model/size.js";
import type * as ast from "../syntax/ast.js";
import { returnsDist } from "./calls.js";
import { type Cx, ModelState, Reporter } from "./context.js";
import { elaborateDist } from "./distributions.js";
import { elaborateExpr } from "./expr.js";
import { findExtents } from "./extents.js";
import { type Files, fileEnv, type LoadImport } from "./files.js";
import { checkFn } from "./functions.js";
import { declareInputs } from "./inputs.js";
import { checkOrder } from "./order.js";
import { type FileEnv, Scope } from "./scope.js";
import { sizeObstacle } from "./sizes.js";
import { elaborateBody } from "./statements.js";
import { checkUnbounded } from "./unbounded/check.js";
import { declarePlate } from "./unbounded/plate.js";
import { withoutProcesses } from "./unbounded/processes.js";
import { collectVariables, elementOf, widestElement } from "./variables.js";

export type { LoadImport } from "./files.js";

export interface ElaborateOptions {
  /** Finds imported files; without it every import is an error. */
  readonly loadImport?: LoadImport;
  /** The table of distributions, where it is not the language's own. */
  readonly distributions?: Readonly<Record<string, Distribution>>;
}

export interface Elaborated {
  /** The models without errors, by name, in the order of the file. */
  readonly models: ReadonlyMap<string, Model>;
  /** Errors and warnings in the order of the text, each of them once. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Elaborates every model of a file. Never throws on any AST; what is wrong is in `diagnostics`. */
export function elaborate(file: ast.SourceFile, options: ElaborateOptions = {}): Elaborated {
  const reporter = new Reporter();
  const table = options.distributions ?? distributions;
  const brokenFns = new Set<ast.FnDecl>();
  const files: Files = { reporter, load: options.loadImport, done: new Map(), extra: [] };
  const env = fileEnv(files, file, []);
  const makeCx = (root: () => Scope): Cx => context(reporter, table, brokenFns, root);
  for (const known of files.done.values()) {
    for (const fn of known.fns.values()) {
      // Imported functions stand in the table of their own file too.
      if (fn.env !== known) continue;
      const scope = new Scope(known);
      checkFn(
        makeCx(() => scope),
        fn,
      );
    }
  }
  const models = new Map<string, Model>();
  for (const d of file.decls) {
    if (d.kind !== "model" || models.has(d.name.text)) continue;
    const model = elaborateModel(d, env, reporter, makeCx);
    if (model !== undefined) models.set(d.name.text, model);
  }
  return { models, diagnostics: inTextOrder([...files.extra, ...reporter.all], file) };
}

function context(
  reporter: Reporter,
  table: Readonly<Record<string, Distribution>>,
  brokenFns: Set<ast.FnDecl>,
  root: () => Scope,
): Cx {
  const cx: Cx = {
    reporter,
    distributions: table,
    model: new ModelState(),
    callStack: [],
    instances: [],
    brokenFns,
    expr: (e, scope) => elaborateExpr(cx, e, scope),
    dist: (e, scope) => elaborateDist(cx, e, scope),
    returnsDist: (fn) => returnsDist(cx, fn, new Set()),
    variables: {
      element: (v, use) => elementOf(cx, v, use, root()),
      widest: (v, element) => widestElement(cx, v, element, root()),
      extents: (v) => {
        // An array whose own length depends on it has none.
        if (v.extents === "pending" || v.extents === "failed") return undefined;
        if (v.extents === undefined) {
          v.extents = "pending";
          v.extents = findExtents(cx, v, root(), false) ?? "failed";
        }
        return v.extents === "failed" ? undefined : v.extents;
      },
    },
  };
  return cx;
}

function elaborateModel(
  decl: ast.ModelDecl,
  env: FileEnv,
  reporter: Reporter,
  makeCx: (root: () => Scope) => Cx,
): Model | undefined {
  const before = reporter.errorCount;
  const scope = new Scope(env);
  const cx = makeCx(() => scope);
  declareInputs(cx, decl, scope);
  const text = withoutProcesses(cx, decl.body, scope);
  declarePlate(cx, text);
  collectVariables(cx, text, scope);
  const body = elaborateBody(cx, text, scope);
  for (const v of cx.model.variables.values()) {
    if (cx.variables.extents(v) !== undefined) continue;
    findExtents(cx, v, scope, true);
    // Other reasons have been reported at the loops and indices themselves.
    if (!v.broken && reporter.errorCount === before) {
      reporter.report("extent_unknown", v.span, { name: v.name });
    }
  }
  checkOrder(cx, body);
  const unbounded = reporter.errorCount > before ? undefined : checkUnbounded(cx, body);
  if (reporter.errorCount > before) return undefined;
  return {
    name: decl.name.text,
    span: decl.span,
    ...(decl.doc === undefined ? {} : { doc: decl.doc }),
    inputs: [...cx.model.inputs.values()],
    boundSizes: cx.model.boundSizes,
    opaqueSizes: opaqueSizesOf(cx),
    variables: variablesOf(cx),
    body,
    ...(unbounded && { unbounded }),
  };
}

/** Those of inputs alone; the others stand in no type (ranges that follow a loop variable). */
function opaqueSizesOf(cx: Cx): Model["opaqueSizes"] {
  const ofInputs = [...cx.model.opaqueSizes].filter(
    ([name]) => sizeObstacle(sizeVar(name), cx.model) === undefined,
  );
  return Object.fromEntries(ofInputs);
}

function variablesOf(cx: Cx): Variable[] {
  return [...cx.model.variables.values()].flatMap((v) => {
    const extents = cx.variables.extents(v);
    const { element } = v;
    if (extents === undefined || element === undefined) return [];
    const { scalar, dims } = element.type;
    return [
      {
        name: v.name,
        role: v.role,
        span: v.span,
        type: { scalar, dims: [...extents, ...dims] },
        eventRank: dims.length,
        support: element.support,
        random: v.random,
      },
    ];
  });
}

/** By place in the text; what stands in imported files comes first. */
function inTextOrder(list: readonly Diagnostic[], file: ast.SourceFile): Diagnostic[] {
  const { source } = file.span;
  const place = (d: Diagnostic): number => (d.span?.source === source ? d.span.start : -1);
  return [...list].sort((a, b) => place(a) - place(b));
}
