/**
 * The log joint of a conditioned model as a tensor graph: what gradient methods sample and
 * optimise. Also the readings of a fit: constrained values and lets from the same text.
 */
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { ParamDomain } from "../../distributions/contract.js";
import type { DistExpr } from "../../model/ir.js";
import { printDist, printExpr } from "../../model/print.js";
import type { Conditioned } from "../../passes/condition/index.js";
import { requireBounded } from "../../passes/condition/unbounded.js";
import { GraphBuilder } from "../../tensor/builder.js";
import type { InputNode, Node } from "../../tensor/ops.js";
import { bijectorOf } from "../bijectors/index.js";
import { axisSizes, type Context } from "./context.js";
import type { Factor } from "./discrete/factors.js";
import {
  type DiscreteSite,
  discreteSites,
  factorOf,
  hasTuples,
  type SumPlan,
  sumOut,
} from "./discrete/index.js";
import { inlineLets } from "./discrete/inline-lets.js";
import { distributionOf, logDensity, namedArgs } from "./dist.js";
import { makeLowerer } from "./expr.js";
import {
  fromConstrained,
  isDiscrete,
  type LatentVariable,
  latentVariables,
  shapeOf,
  supportOf,
  transformPiece,
} from "./latents.js";
import { type Lowerer, sizeOf } from "./lowerer.js";
import { assemble, elementsAt, valueOver } from "./pieces.js";
import {
  collectStatements,
  contextOf,
  type Scope,
  type Statements,
  type Term,
  targetPositions,
} from "./scopes.js";
import type { LatentSource, Variables } from "./variable-table.js";
import { siteValues, variableNode } from "./variables.js";

export type { LatentVariable } from "./latents.js";

/** One statement's part of the log density, before it is summed over its loops. */
export interface DensityTerm {
  readonly statement: Term["stmt"];
  readonly label: string;
  /** Shape `axes ++ lifted dims`. */
  readonly node: Node;
  /** Values of the loop variables at each index tuple, for messages: name → over all axes. */
  readonly axes: readonly { readonly name: string; readonly size: number }[];
  readonly loopVars: ReadonlyMap<string, { readonly axis: string; readonly values: Float64Array }>;
  /** The distribution's arguments, for messages: rank 0 where shared, else of the term's shape. */
  readonly args: readonly {
    readonly label: string;
    readonly domain: ParamDomain;
    readonly node: Node;
  }[];
  /** What is drawn or observed, where it is one number an element: of the term's shape. */
  readonly value?: Node;
}

export interface LogJoint {
  readonly g: GraphBuilder;
  /** The unconstrained position, `[dimension]`. */
  readonly q: InputNode;
  readonly dimension: number;
  /** log p(data, latents) + log |J|: the density of `q`. */
  readonly logDensity: Node;
  /** log p(data, latents): the density in the model's own coordinates. */
  readonly logJoint: Node;
  readonly latents: readonly LatentVariable[];
  /** The latent scalars in the model's own coordinates, `[Σ length]`. */
  readonly constrained: Node;
  readonly terms: readonly DensityTerm[];
  /** How discrete sites are summed out, where there are any. */
  readonly sum?: SumPlan;
}

export function startLowering(
  conditioned: Conditioned,
  g: GraphBuilder,
  source: LatentSource,
): { l: Lowerer; vars: Variables } {
  const vars: Variables = {
    statements: collectStatements(conditioned.model),
    contexts: new Map(),
    byName: new Map(conditioned.model.variables.map((v) => [v.name, v])),
    done: new Map(),
    running: new Set(),
    source,
  };
  const l = makeLowerer({
    g,
    conditioned,
    variable: (name): Node => variableNode(l, vars, name),
    localValues: new WeakMap(),
    constants: new Map(),
  });
  return { l, vars };
}

/**
 * Builds the log joint over the unconstrained vector.
 * @throws TildeError where a latent discrete site cannot be summed out, or a shape or index does not fit the data.
 */
export function buildLogJoint(given: Conditioned, methodName: string): LogJoint {
  requireBounded(given, methodName);
  const g = new GraphBuilder();
  const conditioned = withoutDiscreteLets(given);
  const latents = latentVariables(conditioned);
  const statements = collectStatements(conditioned.model);
  const dimension = unconstrainedDimension(statements, latents);
  const q = g.input("q", [dimension]);
  let taken = 0;
  const free = {
    take: (length: number): Node => {
      taken += length;
      return g.slice(q, [taken - length], [length]);
    },
  };
  const logDets: Node[] = [];
  const { l, vars } = startLowering(conditioned, g, (lowerer, variable) => {
    const shape = shapeOf(conditioned, variable);
    const pieces = (vars.statements.definitions.get(variable.name) ?? []).map((d) => {
      const context = contextOf(lowerer, vars.contexts, d.scope);
      const indices = d.stmt.indices;
      const positions = targetPositions(lowerer, variable.name, indices, shape.batch, context);
      const piece = transformPiece(lowerer, d, variable, shape, positions, context, free);
      logDets.push(piece.logDet);
      return piece;
    });
    return assemble(lowerer, shape, pieces);
  });
  // In the order of declaration, which fixes the layout of `q`.
  for (const { name } of latents) variableNode(l, vars, name);
  if (taken !== dimension) internalError(`took ${taken} of ${dimension} unconstrained numbers`);

  const { sites, terms, factors } = splitTerms(l, vars, methodName);
  const sum = sites.size === 0 ? undefined : sumOut(l, sites, factors);
  const nodes = terms.map((t) => t.node);
  const logJoint = sumAll(g, sum === undefined ? nodes : [...nodes, sum.total]);
  const logDensityNode = g.add(logJoint, sumAll(g, logDets));
  const parts = latents.map((latent) =>
    latentScalars(l, latent, variableNode(l, vars, latent.name)),
  );
  const constrained = parts.length === 0 ? g.zeros([0]) : g.concat(parts, 0);
  return {
    g,
    q,
    dimension,
    logDensity: logDensityNode,
    logJoint,
    latents,
    constrained,
    terms,
    sum: sum?.plan,
  };
}

/** The statements' densities: those that read no latent discrete site, and tables of the others. */
export function splitTerms(
  l: Lowerer,
  vars: Variables,
  methodName: string,
): { sites: ReadonlyMap<string, DiscreteSite>; terms: DensityTerm[]; factors: Factor[] } {
  const sites = discreteSites(l, vars, methodName);
  const terms: DensityTerm[] = [];
  const factors: Factor[] = [];
  for (const term of vars.statements.terms) {
    if (!hasTuples(l, vars, term)) continue;
    const factor = sites.size === 0 ? undefined : factorOf(l, vars, term, describe(term), sites);
    if (factor === undefined) terms.push(densityTerm(l, vars, term));
    else factors.push(factor);
  }
  return { sites, terms, factors };
}

/**
 * Lets that depend on a latent discrete site are read as their text.
 * @param valued discrete sites that have values, as continuous ones do
 */
export function withoutDiscreteLets(
  conditioned: Conditioned,
  valued: ReadonlySet<string> = new Set(),
): Conditioned {
  const names = conditioned.model.variables
    .filter((v) => v.role === "site" && isDiscrete(v.support) && v.given !== "all")
    .filter((v) => !valued.has(v.name))
    .map((v) => v.name);
  if (names.length === 0) return conditioned;
  return { ...conditioned, model: inlineLets(conditioned.model, new Set(names)) };
}

/** How many unconstrained numbers the latents take. */
function unconstrainedDimension(vars: Statements, latents: readonly LatentVariable[]): number {
  return latents.reduce((total, { name, variable, dims, length }) => {
    const [definition] = vars.definitions.get(name) ?? [];
    const { kind } = definition === undefined ? variable.support : supportOf(definition, variable);
    const { eventRank, free } = bijectorOf(kind);
    if (eventRank === 0) return total + length;
    const size = dims[dims.length - 1];
    return total + (length / size ** eventRank) * free(size);
  }, 0);
}

export function sumAll(g: GraphBuilder, nodes: readonly Node[]): Node {
  return nodes.reduce<Node>((total, n) => g.add(total, g.sum(n)), g.constant(0));
}

function latentScalars(l: Lowerer, latent: LatentVariable, whole: Node): Node {
  const total = latent.dims.reduce((n, d) => n * d, 1);
  const flat = l.g.reshape(whole, [total]);
  if (latent.elements === undefined) return flat;
  return l.g.gather(flat, l.g.constant(latent.elements, [latent.length], "int"), 0);
}

function densityTerm(l: Lowerer, vars: Variables, term: Term): DensityTerm {
  const { stmt, scope } = term;
  const context = contextOf(l, vars.contexts, scope);
  const label = describe(term);
  const node = l.g.withOrigin({ span: stmt.span, label }, () => termNode(l, vars, stmt, scope));
  const loopVars = new Map(
    [...context.vars].map(([name, v]) => [name, { axis: v.axis.name, values: v.values }]),
  );
  const base = { statement: stmt, label, node, axes: context.axes, loopVars };
  if (stmt.kind === "factor") return { ...base, args: [] };
  const isScalar = stmt.dist.event.dims.length === 0;
  const value = isScalar ? drawnValue(l, vars, stmt, context) : undefined;
  return { ...base, args: termArgs(l, stmt.dist, context), value };
}

/** The arguments again; the builder gives back the nodes that the density has already. */
function termArgs(l: Lowerer, dist: DistExpr, context: Context): DensityTerm["args"] {
  if (dist.kind === "truncated") return termArgs(l, dist.base, context);
  if (dist.kind !== "named") return [];
  const specs = distributionOf(dist).parameterisations.flat();
  const { args } = namedArgs(l, dist, { axes: context.axes, lead: [] }, context);
  return Object.entries(args).flatMap(([name, node]) => {
    const spec = specs.find((p) => p.name === name);
    if (spec === undefined || spec.rank > 0) return [];
    return [{ label: printExpr(dist.args[name]), domain: spec.domain, node }];
  });
}

export function termNode(l: Lowerer, vars: Variables, stmt: Term["stmt"], scope: Scope): Node {
  const context = contextOf(l, vars.contexts, scope);
  switch (stmt.kind) {
    case "factor":
      return valueOver(l, stmt.value, context, []);
    case "observe":
    case "site": {
      const x = drawnValue(l, vars, stmt, context);
      return logDensity(l, stmt.dist, x, { axes: context.axes, lead: [] }, context);
    }
  }
}

/** The value of a site or of what is observed, over the axes of its statement. */
function drawnValue(
  l: Lowerer,
  vars: Variables,
  stmt: Exclude<Term["stmt"], { readonly kind: "factor" }>,
  context: Context,
): Node {
  if (stmt.kind === "observe") {
    const event = stmt.dist.event.dims.map((d) => sizeOf(l, d));
    return valueOver(l, stmt.value, context, event);
  }
  const variable = vars.byName.get(stmt.name) ?? internalError(`no variable ${stmt.name}`);
  if (variable.given !== "all" && isCensored(stmt.dist)) {
    fail("censored_latent", stmt.span, { name: stmt.name });
  }
  const shape = shapeOf(l.conditioned, variable);
  const positions = targetPositions(l, stmt.name, stmt.indices, shape.batch, context);
  const whole = siteValues(l, vars, variable);
  const elements = elementsAt(l, whole, shape, positions);
  return l.g.reshape(elements, [...axisSizes(context.axes), ...shape.event]);
}

/** Whether draws have atoms at a bound, which no density over the reals has. */
function isCensored(d: DistExpr): boolean {
  switch (d.kind) {
    case "named":
      return false;
    case "iid":
      return isCensored(d.base);
    case "truncated":
    case "written":
      return d.censored === true;
    case "mixture":
      return d.components.some(isCensored);
  }
}

export function describe({ stmt }: Term): string {
  switch (stmt.kind) {
    case "factor":
      return `factor ${printExpr(stmt.value)}`;
    case "observe":
      return `observe ${printExpr(stmt.value)} ~ ${printDist(stmt.dist)}`;
    case "site": {
      const indices = stmt.indices.map(printExpr).join(", ");
      return `${stmt.name}${indices === "" ? "" : `[${indices}]`} ~ ${printDist(stmt.dist)}`;
    }
  }
}

/** Lets (or any variables) as functions of the constrained vector. */
export interface Readout {
  readonly g: GraphBuilder;
  readonly values: InputNode;
  readonly outputs: readonly {
    readonly name: string;
    readonly dims: readonly number[];
    readonly node: Node;
  }[];
}

/** A lowering whose latent sites are read from the constrained vector, the input `values`. */
export function lowerConstrained(
  conditioned: Conditioned,
  g: GraphBuilder,
): { l: Lowerer; vars: Variables; values: InputNode } {
  const latents = latentVariables(conditioned);
  const byName = new Map(latents.map((v) => [v.name, v]));
  const length = latents.reduce((n, v) => n + v.length, 0);
  const values = g.input("values", [length]);
  const lowering = startLowering(conditioned, g, (lowerer, variable) => {
    const latent = byName.get(variable.name);
    if (latent !== undefined) return fromConstrained(lowerer, latent, values);
    const given = conditioned.observed.get(variable.name);
    if (given !== undefined) return g.constant(given.data, given.dims, variable.type.scalar);
    const { batch, event } = shapeOf(conditioned, variable);
    const dims = [...batch, ...event];
    // A site without elements is neither latent nor given.
    if (!dims.includes(0)) return internalError(`${variable.name} has no value`);
    return g.constant(new Float64Array(0), dims, variable.type.scalar);
  });
  return { ...lowering, values };
}

/** The named variables, computed from latent scalars in the model's own coordinates. */
export function buildReadout(conditioned: Conditioned, names: readonly string[]): Readout {
  const g = new GraphBuilder();
  const { l, vars, values } = lowerConstrained(conditioned, g);
  const outputs = names.map((name) => {
    const node = variableNode(l, vars, name);
    return { name, dims: node.shape, node };
  });
  return { g, values, outputs };
}
