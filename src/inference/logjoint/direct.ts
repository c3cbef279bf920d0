/**
 * The log joint with every latent site as an input of its own: what methods need that look at one
 * site given the others. A site is read in the model's own coordinates or, where asked, in
 * unconstrained ones with its Jacobian; discrete sites are states that select entries of tables.
 */
import { internalError } from "../../base/internal.js";
import type { Support, Variable } from "../../model/ir.js";
import type { Conditioned } from "../../passes/condition/index.js";
import { requireBounded } from "../../passes/condition/unbounded.js";
import { GraphBuilder } from "../../tensor/builder.js";
import type { InputNode, Node } from "../../tensor/ops.js";
import { tableRows } from "./discrete/factors.js";
import { type DiscreteSite, discreteSites, factorOf, hasTuples } from "./discrete/index.js";
import type { Reference } from "./discrete/references.js";
import { entriesAt } from "./entries.js";
import { describe, startLowering, termNode, withoutDiscreteLets } from "./index.js";
import {
  countVariables,
  fromConstrained,
  type LatentVariable,
  latentVariables,
  shapeOf,
  supportOf,
  transformPiece,
} from "./latents.js";
import type { Lowerer } from "./lowerer.js";
import { assemble } from "./pieces.js";
import { contextOf, targetPositions } from "./scopes.js";
import type { Variables } from "./variable-table.js";
import { definitionsOf, variableNode } from "./variables.js";

export type { DiscreteSite } from "./discrete/index.js";
export type { Reference } from "./discrete/references.js";

/** A continuous latent site (or param) and the input that holds it. */
export interface DirectSite {
  readonly latent: LatentVariable;
  /** `[length]` in own coordinates, `[free length]` in unconstrained ones. */
  readonly input: InputNode;
  readonly isFree: boolean;
  /** Whole numbers without end, which the input holds as reals. */
  readonly isCount: boolean;
  /** The latent scalars in the model's own coordinates, `[length]`. */
  readonly own: Node;
  /** Of its defining statements. */
  readonly supports: readonly Support[];
}

/** A statement that reads discrete sites: its log density for all their values. */
export interface DirectFactor {
  readonly label: string;
  readonly references: readonly Reference[];
  /** `[tuples, …values of the references]`. */
  readonly rows: Node;
}

export interface DirectJoint {
  readonly g: GraphBuilder;
  readonly sites: readonly DirectSite[];
  readonly discrete: readonly DiscreteSite[];
  /** The state of each discrete element (value less the site's `low`), in their numbering. */
  readonly states: InputNode | undefined;
  readonly factors: readonly DirectFactor[];
  /** Parts of the log joint, each rank 0: statements, factors at the states, log Jacobians. */
  readonly terms: readonly Node[];
  /** Those of `terms` that are no factor at the states: no discrete site is read. */
  readonly plain: readonly Node[];
  readonly logJoint: Node;
}

/** The name of the input that holds the discrete states; no site can have it. */
export const STATES = ".states";

/**
 * @param free the sites that are read in unconstrained coordinates
 * @param withCounts whether sites of endless whole numbers are inputs like continuous ones
 * @throws TildeError where a latent discrete site is infinite or read in a way that no table holds
 */
export function buildDirectJoint(
  given: Conditioned,
  free: ReadonlySet<string>,
  methodName: string,
  withCounts = false,
): DirectJoint {
  requireBounded(given, methodName);
  const counted = withCounts ? countVariables(given, 0).map((v) => v.name) : [];
  const conditioned = withoutDiscreteLets(given, new Set(counted));
  const continuous = latentVariables(conditioned);
  const width = continuous.reduce((n, v) => n + v.length, 0);
  const counts = withCounts ? countVariables(conditioned, width) : [];
  const latents = [...continuous, ...counts];
  const lengths = freeLengths(conditioned, latents, free);
  const g = new GraphBuilder();
  const inputs = new Map(
    latents.map((v) => [v.name, g.input(v.name, [lengths.get(v.name) ?? v.length])]),
  );
  const byName = new Map(latents.map((v) => [v.name, v]));
  const terms: Node[] = [];
  const { l, vars } = startLowering(conditioned, g, (lowerer, variable) => {
    const latent = byName.get(variable.name);
    // Observed in full, or without elements.
    if (latent === undefined) return freeVariable(lowerer, vars, variable, none, () => {});
    const input = inputs.get(latent.name) ?? internalError(`no input ${latent.name}`);
    if (!free.has(latent.name)) return fromConstrained(lowerer, { ...latent, offset: 0 }, input);
    let taken = 0;
    const take = (length: number): Node => {
      taken += length;
      return g.slice(input, [taken - length], [length]);
    };
    return freeVariable(lowerer, vars, variable, take, (logDet) => terms.push(logDet));
  });
  const sites = latents.map((latent): DirectSite => {
    const whole = variableNode(l, vars, latent.name);
    const total = latent.dims.reduce((n, d) => n * d, 1);
    const flat = g.reshape(whole, [total]);
    const { elements } = latent;
    return {
      latent,
      input: inputs.get(latent.name) ?? internalError(`no input ${latent.name}`),
      isFree: free.has(latent.name),
      isCount: counts.includes(latent),
      own: elements === undefined ? flat : g.gather(flat, intVector(g, elements), 0),
      supports: definitionsOf(vars, latent.name).map((d) => supportOf(d, latent.variable)),
    };
  });

  const discrete = discreteSites(l, vars, methodName, new Set(counts.map((v) => v.name)));
  // A site without elements has no states.
  const list = [...discrete.values()].filter((s) => !s.dims.includes(0));
  const count = list.reduce((n, s) => n + s.dims.reduce((m, d) => m * d, 1), 0);
  const states = count === 0 ? undefined : g.input(STATES, [count], "int");
  const factors: DirectFactor[] = [];
  const chosen = new Set<Node>();
  for (const term of vars.statements.terms) {
    if (!hasTuples(l, vars, term)) continue;
    const label = describe(term);
    const origin = { span: term.stmt.span, label };
    const factor = states === undefined ? undefined : factorOf(l, vars, term, label, discrete);
    if (factor === undefined) {
      terms.push(g.withOrigin(origin, () => g.sum(termNode(l, vars, term.stmt, term.scope))));
      continue;
    }
    const { references } = factor;
    const rows = g.withOrigin(origin, () => tableRows(l, factor));
    factors.push({ label, references, rows });
    if (states === undefined) continue;
    const entries = g.sum(selected(g, states, references, rows));
    chosen.add(entries);
    terms.push(entries);
  }
  const logJoint = terms.reduce<Node>((total, t) => g.add(total, t), g.constant(0));
  const plain = terms.filter((t) => !chosen.has(t));
  return { g, sites, discrete: list, states, factors, terms, plain, logJoint };
}

const none = (length: number): never => internalError(`${length} unconstrained numbers of no site`);

/** A site's whole array from unconstrained numbers. */
function freeVariable(
  l: Lowerer,
  vars: Variables,
  variable: Variable,
  take: (length: number) => Node,
  jacobian: (logDet: Node) => void,
): Node {
  const { name } = variable;
  const shape = shapeOf(l.conditioned, variable);
  const pieces = definitionsOf(vars, name).map((d) => {
    const context = contextOf(l, vars.contexts, d.scope);
    const positions = targetPositions(l, name, d.stmt.indices, shape.batch, context);
    const piece = transformPiece(l, d, variable, shape, positions, context, { take });
    jacobian(piece.logDet);
    return piece;
  });
  return assemble(l, shape, pieces);
}

/** How many unconstrained numbers each free site takes; needed before the inputs are made. */
function freeLengths(
  conditioned: Conditioned,
  latents: readonly LatentVariable[],
  free: ReadonlySet<string>,
): Map<string, number> {
  const lengths = new Map<string, number>();
  if (free.size === 0) return lengths;
  const probe = new GraphBuilder();
  const { l, vars } = startLowering(conditioned, probe, (lowerer, variable) => {
    let taken = 0;
    const take = (length: number): Node => {
      taken += length;
      return probe.zeros([length]);
    };
    const node = freeVariable(lowerer, vars, variable, take, () => {});
    lengths.set(variable.name, taken);
    return node;
  });
  for (const { name } of latents) if (free.has(name)) variableNode(l, vars, name);
  for (const name of lengths.keys()) if (!free.has(name)) lengths.delete(name);
  return lengths;
}

/** The entries of a factor's table at the states, one for each tuple. */
function selected(
  g: GraphBuilder,
  states: InputNode,
  references: readonly Reference[],
  rows: Node,
): Node {
  const [tuples] = rows.shape;
  const at = new Map<number, Node>([[0, g.iota(tuples)]]);
  references.forEach((r, k) => {
    at.set(k + 1, g.gather(states, intVector(g, r.elements), 0));
  });
  return entriesAt(g, rows, at);
}

function intVector(g: GraphBuilder, values: Float64Array): Node {
  return g.constant(values, [values.length], "int");
}
