/**
 * Log densities of the single observations at every draw: log p(y_i | y_-i, θ). Where a statement
 * reads no latent discrete site that is its density. Where discrete sites are summed out the
 * observations that hang together through them are not independent given θ, and their density is
 * the sum with the observation over the sum without it, which is what leaving it out takes away
 * (Bürkner, Gabry and Vehtari, Computational Statistics 2021, section 2).
 */
import { type Diagnostic, diagnostic, fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import { type Factor, tableRows } from "../../inference/logjoint/discrete/factors.js";
import { discreteSites, factorOf, hasTuples } from "../../inference/logjoint/discrete/index.js";
import { elementCounts } from "../../inference/logjoint/discrete/layout.js";
import {
  describe,
  lowerConstrained,
  termNode,
  withoutDiscreteLets,
} from "../../inference/logjoint/index.js";
import { shapeOf } from "../../inference/logjoint/latents.js";
import { constantData, type Lowerer, sizeOf } from "../../inference/logjoint/lowerer.js";
import { valueOver } from "../../inference/logjoint/pieces.js";
import {
  contextOf,
  type Term,
  targetPositions,
  tupleCount,
} from "../../inference/logjoint/scopes.js";
import type { Variables } from "../../inference/logjoint/variable-table.js";
import { elementCount, elementName, unravel } from "../../model/data.js";
import type { Model, Stmt } from "../../model/ir.js";
import { printExpr } from "../../model/print.js";
import {
  dependsOnRandom,
  distDependsOnRandom,
  freeVariables,
  walkStmts,
} from "../../model/traverse.js";
import { GraphBuilder } from "../../tensor/builder.js";
import type { InputNode, Node } from "../../tensor/ops.js";
import { compileFunction } from "../results/compiled.js";
import type { FitData } from "../results/fit.js";
import { latentLength, rowOf } from "../results/fit.js";
import { Dependent } from "./dependent.js";

export interface Pointwise {
  readonly model: string;
  /** Of the observations, `y[3]`. */
  readonly names: readonly string[];
  readonly chains: number;
  /** Of each chain. */
  readonly draws: number;
  /**
   * Calls back with the log densities of one observation after another, `[chains, draws]`, in an
   * array that is used again.
   */
  readonly forEach: (visit: (unit: number, logLik: Float64Array) => void) => void;
  /** What was observed, number by number. */
  readonly observed: Float64Array;
  readonly warnings: readonly Diagnostic[];
}

/**
 * Log densities that are held at once: those of all draws of some observations, since weights are
 * smoothed over all draws. Where there are more, the draws are gone through again for the next ones.
 */
const ROOM = 1 << 23;

/** Draws of these are no draws of the posterior, so that weights correct the wrong density. */
const approximations: ReadonlySet<string> = new Set(["vi", "svi", "cavi", "laplace"]);

/**
 * @param names just the observations of these sites
 * @param room log densities to hold at once, at least
 * @throws TildeError for a fit without draws, or where the model has no observations.
 */
export function pointwiseOf(
  fit: FitData,
  names?: readonly string[],
  room: number = ROOM,
): Pointwise {
  const { conditioned, method } = fit;
  const model = conditioned.model.name;
  const per = Math.min(...fit.chains.map((c) => c.draws));
  const isUseless = fit.isPoint || fit.whole !== undefined || fit.process !== undefined;
  if (isUseless || fit.chains.length === 0 || per * fit.chains.length < 25) {
    return fail("loo_no_draws", undefined, { model, method });
  }
  const parts = observationsOf(fit, names);
  const units = [...parts.plain.flatMap((p) => p.units), ...parts.factors.flatMap((f) => f.units)];
  if (units.length === 0) {
    return fail("loo_no_observations", undefined, { model, names: names ?? [] });
  }
  const total = fit.chains.length * per;
  const warnings: Diagnostic[] = [];
  if (approximations.has(method)) {
    warnings.push(diagnostic("loo_approximate", undefined, { model, method }));
  }
  if (units.length === 1) {
    warnings.push(diagnostic("loo_single", undefined, { model, name: units[0].name }));
  }
  if (parts.chained.length > 0) {
    warnings.push(diagnostic("loo_chained", undefined, { model, names: parts.chained }));
  }
  return {
    model,
    names: units.map((u) => u.name),
    chains: fit.chains.length,
    draws: per,
    forEach: (visit) => {
      const block = Math.max(1, Math.floor(room / total));
      const read = readerOf(fit, parts, per);
      const logLik = new Float64Array(Math.min(block, units.length) * total);
      for (let from = 0; from < units.length; from += block) {
        const to = Math.min(units.length, from + block);
        read(from, to, logLik);
        for (let unit = from; unit < to; unit++) {
          visit(unit, logLik.subarray((unit - from) * total, (unit - from + 1) * total));
        }
      }
    },
    observed: Float64Array.from(units.flatMap((u) => u.values)),
    warnings,
  };
}

/** Writes log densities of the observations `from` to `to`, `[observations, chains, draws]`. */
type Reader = (from: number, to: number, out: Float64Array) => void;

/** @param draws of each chain */
function readerOf(fit: FitData, parts: Parts, draws: number): Reader {
  const { compute, outputs } = compileFunction(parts.values, [
    ...parts.plain.map((p) => p.node),
    ...parts.factors.map((f) => f.rows),
  ]);
  const plain = parts.plain.map(({ units }) => Int32Array.from(units, (u) => u.at));
  const tables = outputs.slice(plain.length);
  const dependent = new Dependent(parts.counts, parts.factors, tables);
  const stride = latentLength(fit.latents);
  const [width] = parts.values.shape;
  const total = fit.chains.length * draws;
  const first = plain.reduce((n, at) => n + at.length, 0);
  return (from, to, out) => {
    let row = 0;
    for (const chain of fit.chains) {
      for (let t = 0; t < draws; t++, row++) {
        const { values, start } = rowOf(chain, t, stride);
        compute(values.subarray(start, start + width));
        let before = 0;
        for (const [k, at] of plain.entries()) {
          const end = Math.min(at.length, to - before);
          for (let u = Math.max(0, from - before); u < end; u++) {
            out[(before + u - from) * total + row] = outputs[k][at[u]];
          }
          before += at.length;
        }
        if (to <= first) continue;
        let unit = first;
        dependent.read((value) => {
          if (unit >= from && unit < to) out[(unit - from) * total + row] = value;
          unit++;
        });
      }
    }
  };
}

/** One observation. */
export interface Unit {
  readonly name: string;
  readonly values: readonly number[];
  /** In the statement's node, or the index tuple of its table. */
  readonly at: number;
}

/** A table over discrete elements with those of its index tuples that are observations. */
export interface ObservedFactor {
  readonly factor: Factor;
  /** `[tuples, …values of the references]`. */
  readonly rows: Node;
  readonly units: readonly Unit[];
}

interface Parts {
  readonly values: InputNode;
  readonly plain: readonly { readonly node: Node; readonly units: readonly Unit[] }[];
  /** Number of values of each discrete element. */
  readonly counts: Int32Array;
  readonly factors: readonly ObservedFactor[];
  /** Observed sites whose distributions read observations. */
  readonly chained: readonly string[];
}

function observationsOf(fit: FitData, names: readonly string[] | undefined): Parts {
  const conditioned = withoutDiscreteLets(fit.conditioned);
  const g = new GraphBuilder();
  const { l, vars, values } = lowerConstrained(conditioned, g);
  const sites = discreteSites(l, vars, fit.method);
  const random = new Set(
    conditioned.model.variables
      .filter((v) => v.role !== "let" && v.given !== "all")
      .map((v) => v.name),
  );
  const plain: { node: Node; units: readonly Unit[] }[] = [];
  const factors: ObservedFactor[] = [];
  for (const term of vars.statements.terms) {
    if (!hasTuples(l, vars, term)) continue;
    const known = isData(term, conditioned.observed, random);
    const label = describe(term);
    const factor = sites.size === 0 ? undefined : factorOf(l, vars, term, label, sites);
    if (factor !== undefined) {
      const rows = tableRows(l, factor);
      const units = known ? unitsOf(l, vars, term, [rows.shape[0]]) : [];
      factors.push({ factor, rows, units: chosen(units, names) });
    } else if (known) {
      const node = termNode(l, vars, term.stmt, term.scope);
      plain.push({ node, units: chosen(unitsOf(l, vars, term, node.shape), names) });
    }
  }
  const counts = elementCounts([...sites.values()]);
  const used = vars.statements.terms.filter((term) => {
    const own = term.stmt.kind === "factor" ? "" : targetName(term.stmt);
    return isData(term, conditioned.observed, random) && (names?.includes(own) ?? true);
  });
  return { values, plain, counts, factors, chained: chainedOf(conditioned.model, used) };
}

function targetName(stmt: Exclude<Term["stmt"], { kind: "factor" }>): string {
  return stmt.kind === "site" ? stmt.name : printExpr(stmt.value).replace(/\[.*$/, "");
}

/** Of the observed targets those whose distribution reads an observed one, itself or through lets. */
function chainedOf(model: Model, terms: readonly Term[]): string[] {
  const stmts = terms.flatMap(({ stmt }) => (stmt.kind === "factor" ? [] : [stmt]));
  const read = new Set(
    stmts.flatMap((s) => (s.kind === "site" ? [s.name] : [...freeVariables(s.value)])),
  );
  const lets: Extract<Stmt, { kind: "let" }>[] = [];
  walkStmts(model.body, (s) => {
    if (s.kind === "let") lets.push(s);
  });
  // A let may read a later one: until nothing is added.
  for (let size = -1; size !== read.size; ) {
    size = read.size;
    for (const { name, value } of lets) if (dependsOnRandom(value, read)) read.add(name);
  }
  const found = stmts.filter((s) => distDependsOnRandom(s.dist, read)).map(targetName);
  return [...new Set(found)];
}

function chosen(units: readonly Unit[], names: readonly string[] | undefined): readonly Unit[] {
  if (names === undefined) return units;
  return units.filter((u) => names.includes(u.name.replace(/\[.*$/, "")));
}

/** Whether a statement's target is data, at least in part. */
function isData(
  { stmt }: Term,
  observed: ReadonlyMap<string, unknown>,
  random: ReadonlySet<string>,
): boolean {
  switch (stmt.kind) {
    case "factor":
      return false;
    case "observe":
      return !dependsOnRandom(stmt.value, random);
    case "site":
      return observed.has(stmt.name);
  }
}

/** The observed ones among the numbers of a term's node, of the shape `loops ++ lifted dims`. */
function unitsOf(
  l: Lowerer,
  vars: Variables,
  { stmt, scope }: Term,
  shape: readonly number[],
): Unit[] {
  const context = contextOf(l, vars.contexts, scope);
  const tuples = tupleCount(context);
  const lifted = elementCount(shape) / tuples;
  const units: Unit[] = [];
  if (stmt.kind === "observe") {
    const name = printExpr(stmt.value);
    const event = stmt.dist.event.dims.map((d) => sizeOf(l, d));
    const x = constantData(l, valueOver(l, stmt.value, context, event));
    if (x === undefined) return internalError(`${name} is not known`);
    const width = x.length / (tuples * lifted);
    for (let at = 0; at < tuples * lifted; at++) {
      const label = tuples * lifted === 1 ? name : `${name} #${at}`;
      const values = Array.from(x.subarray(at * width, (at + 1) * width));
      units.push({ name: label, values, at });
    }
    return units;
  }
  if (stmt.kind !== "site") return internalError("a factor is no observation");
  const variable = vars.byName.get(stmt.name) ?? internalError(`no variable ${stmt.name}`);
  const given = l.conditioned.observed.get(stmt.name) ?? internalError(`${stmt.name} is latent`);
  const { batch, event } = shapeOf(l.conditioned, variable);
  const positions = targetPositions(l, stmt.name, stmt.indices, batch, context);
  const size = elementCount(event);
  /** Numbers of the site in one unit: the whole event, or one of its rows or numbers. */
  const width = size / lifted;
  const dims = lifted === 1 ? batch : given.dims;
  for (let tuple = 0; tuple < tuples; tuple++) {
    for (let k = 0; k < lifted; k++) {
      const from = positions[tuple] * size + k * width;
      const isMissing = given.missing?.subarray(from, from + width).some((m) => m === 1) === true;
      if (isMissing) continue;
      const index = lifted === 1 ? positions[tuple] : from;
      units.push({
        name: elementName(stmt.name, unravel(index, dims)),
        values: Array.from(given.data.subarray(from, from + width)),
        at: tuple * lifted + k,
      });
    }
  }
  return units;
}
