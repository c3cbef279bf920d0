/**
 * AST to model IR: names, then types and shapes, supports, and the order of elements. Every model
 * of the file is elaborated on its own; a model with an error is left out of the result.
 */
import type { Diagnostic } from "../base/diagnostic.js";
import { nearestNames } from "../base/nearest.js";
import type { Distribution } from "../distributions/contract.js";
import { distributions } from "../distributions/index.js";
import type { Expr, Model, Variable } from "../model/ir.js";
import type { Guide, Objective, Player } from "../model/objective.js";
import { sizeVar } from "../model/size.js";
import type * as ast from "../syntax/ast.js";
import { returnsDist } from "./calls.js";
import { type Cx, ModelState, Reporter } from "./context.js";
import { elaborateDist } from "./distributions.js";
import { withoutEnergies } from "./energies.js";
import { declareEstimates, withoutPrograms } from "./estimates.js";
import { elaborateExpr } from "./expr.js";
import { findExtents } from "./extents.js";
import { type Files, fileEnv, type LoadImport } from "./files.js";
import { checkFn } from "./functions.js";
import { checkGuide } from "./guides.js";
import { declareInputs } from "./inputs.js";
import { declarePrograms, declareTraces, objectiveValue, splitReturn } from "./objectives.js";
import { withoutOdes } from "./ode.js";
import { checkOrder } from "./order.js";
import { playersOf } from "./players.js";
import { withoutScans } from "./scan.js";
import { type FileEnv, type ObjectiveRef, Scope } from "./scope.js";
import { declareReadings, readSites } from "./site-values.js";
import { sizeObstacle } from "./sizes.js";
import { elaborateBody } from "./statements.js";
import { withoutTransforms } from "./transforms.js";
import { checkUnbounded } from "./unbounded/check.js";
import { declarePlate } from "./unbounded/plate.js";
import { withoutProcesses } from "./unbounded/processes.js";
import { collectVariables, elementOf, widestElement } from "./variables.js";
import { checkDist } from "./written.js";

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
  /** The guides without errors, of models without errors. */
  readonly guides: ReadonlyMap<string, Guide>;
  /** The objectives without errors, those of imports included. */
  readonly objectives: ReadonlyMap<string, Objective>;
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
  for (const known of files.done.values()) {
    for (const dist of known.dists.values()) {
      if (dist.env !== known) continue;
      const scope = new Scope(known);
      checkDist(
        makeCx(() => scope),
        dist,
      );
    }
  }
  const models = new Map<string, Model>();
  for (const d of file.decls) {
    if (d.kind !== "model" || models.has(d.name.text)) continue;
    const model = elaborateProgram(d, d.body, env, makeCx)?.model;
    if (model !== undefined) models.set(d.name.text, model);
  }
  const guides = new Map<string, Guide>();
  for (const d of file.decls) {
    if (d.kind !== "guide" || guides.has(d.name.text)) continue;
    const guide = elaborateGuide(d, env, file, models, guides, makeCx);
    if (guide !== undefined) guides.set(d.name.text, guide);
  }
  const objectives = new Map<string, Objective>();
  for (const [name, ref] of env.objectives) {
    const objective = elaborateObjective(ref, makeCx);
    if (objective !== undefined) objectives.set(name, objective);
  }
  const diagnostics = inTextOrder([...files.extra, ...reporter.all], file);
  return { models, guides, objectives, diagnostics };
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

type ProgramDecl = ast.ModelDecl | ast.GuideDecl | ast.ObjectiveDecl;
/** What an objective does beside what models do. */
interface Extras {
  readonly begin: (cx: Cx, scope: Scope) => void;
  readonly collected: (cx: Cx, scope: Scope) => void;
}

function elaborateProgram(
  decl: ProgramDecl,
  body: ast.Block,
  env: FileEnv,
  makeCx: (root: () => Scope) => Cx,
  extras?: Extras,
): { readonly model: Model; readonly cx: Cx; readonly scope: Scope } | undefined {
  const scope = new Scope(env);
  const cx = makeCx(() => scope);
  const { reporter } = cx;
  const before = reporter.errorCount;
  extras?.begin(cx, scope);
  const isInput = (p: ast.ParamDecl): boolean => scope.lookup(p.name.text)?.kind !== "program";
  declareInputs(cx, { params: decl.params.filter(isInput) }, scope);
  // Draws of `Transformed` in a model or objective are reported where they stand.
  const written = decl.kind === "model" ? withoutEnergies(cx, body) : { body, energies: [] };
  const plain =
    decl.kind === "guide" ? withoutTransforms(cx, body) : { body: written.body, images: {} };
  const odes = withoutOdes(cx, withoutProcesses(cx, plain.body, scope), scope);
  const text = withoutScans(cx, odes, scope);
  declarePlate(cx, text);
  collectVariables(cx, text, scope);
  extras?.collected(cx, scope);
  const statements = elaborateBody(cx, text, scope);
  for (const v of cx.model.variables.values()) {
    if (cx.variables.extents(v) !== undefined) continue;
    findExtents(cx, v, scope, true);
    // Other reasons have been reported at the loops and indices themselves.
    if (!v.broken && reporter.errorCount === before) {
      reporter.report("extent_unknown", v.span, { name: v.name });
    }
  }
  checkOrder(cx, statements);
  const unbounded = reporter.errorCount > before ? undefined : checkUnbounded(cx, statements);
  if (reporter.errorCount > before) return undefined;
  const model: Model = {
    name: decl.name.text,
    span: decl.span,
    ...(decl.doc === undefined ? {} : { doc: decl.doc }),
    inputs: [...cx.model.inputs.values()],
    boundSizes: cx.model.boundSizes,
    opaqueSizes: opaqueSizesOf(cx),
    variables: variablesOf(cx),
    body: statements,
    ...(unbounded && { unbounded }),
    ...(Object.keys(plain.images).length > 0 && { images: plain.images }),
    ...(written.energies.length > 0 && { energies: written.energies }),
    ...(cx.model.states.length > 0 && { states: cx.model.states }),
  };
  return { model, cx, scope };
}

function elaborateGuide(
  decl: ast.GuideDecl,
  env: FileEnv,
  file: ast.SourceFile,
  models: ReadonlyMap<string, Model>,
  earlier: ReadonlyMap<string, Guide>,
  makeCx: (root: () => Scope) => Cx,
): Guide | undefined {
  const made = elaborateProgram(decl, decl.body, env, makeCx);
  const { text, span } = decl.model;
  // A guide for a guide proposes values of the auxiliary sites of that.
  const model = models.get(text) ?? earlier.get(text)?.program;
  const { reporter } = makeCx(() => new Scope(env));
  if (model === undefined) {
    const known = file.decls.flatMap((d) =>
      d.kind === "model" || (d.kind === "guide" && d !== decl) ? [d.name.text] : [],
    );
    // A model with errors of its own has been reported.
    if (!known.includes(text)) {
      reporter.report("guide_model", span, { name: text, near: nearestNames(text, known) });
    }
    return undefined;
  }
  if (made === undefined) return undefined;
  const before = reporter.errorCount;
  const auxiliary = checkGuide(reporter, made.model, model);
  if (reporter.errorCount > before) return undefined;
  return { program: made.model, model: text, ...(auxiliary.length > 0 && { auxiliary }) };
}

function elaborateObjective(
  { decl, env }: ObjectiveRef,
  makeCx: (root: () => Scope) => Cx,
): Objective | undefined {
  const { reporter } = makeCx(() => new Scope(env));
  const before = reporter.errorCount;
  const { text: written, returns } = splitReturn(
    makeCx(() => new Scope(env)),
    decl,
  );
  const programs = withoutPrograms(written, env);
  const { body: text, readings } = readSites(programs.body);
  let value: Expr | undefined;
  let players: readonly Player[] | undefined;
  const made = elaborateProgram(decl, text, env, makeCx, {
    begin: (cx, scope) => {
      cx.model.objective = declarePrograms(cx, decl, scope);
    },
    collected: (cx, scope) => {
      declareEstimates(cx, programs.lets, scope);
      declareTraces(cx, scope);
      declareReadings(cx, readings, scope);
    },
  });
  const [first] = returns;
  if (made !== undefined && first?.players !== undefined) {
    players = playersOf(made.cx, returns, made.scope);
    value = players?.[0].result;
  } else if (made !== undefined && first !== undefined) {
    value = objectiveValue(made.cx, first.value, made.scope);
  }
  const found = made?.cx.model.objective;
  if (made === undefined || found === undefined || value === undefined) return undefined;
  if (reporter.errorCount > before) return undefined;
  const { draws } = found;
  const drawn = new Set(draws.map((d) => d.name));
  const variables = variablesOf(made.cx).filter((v) => !drawn.has(v.name));
  const evaluations = [...found.evaluations.values()];
  const body: Model = { ...made.model, opaqueSizes: opaqueSizesOf(made.cx), variables };
  const { name, span, doc } = made.model;
  const estimates = [...found.estimates.values()];
  const objective = {
    ...{ name, span, doc, programs: found.programs, body, draws, evaluations, result: value },
    ...(estimates.length > 0 && { estimates }),
  };
  return players === undefined ? objective : { ...objective, players };
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
