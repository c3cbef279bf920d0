/**
 * Ancestral simulation: draws every site that has no value, in the model's order, and computes the
 * lets. Factors and observations play no part.
 */
import { type Diagnostic, diagnostic, fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import { type PhiloxKey, RandomStream } from "../../math/rng/index.js";
import {
  type DataSet,
  type DataValue,
  elementCount,
  elementName,
  unravel,
} from "../../model/data.js";
import type { DistExpr, Expr, Model, SupportKind, UnboundedPlate } from "../../model/ir.js";
import { stmtExprs, walkExpr, walkStmts } from "../../model/traverse.js";
import type { Conditioned } from "../condition/index.js";
import { labelDims, withComponents } from "../condition/unbounded.js";
import { definitionOf } from "./dist.js";
import { compileModel } from "./model.js";
import { Runner, type Store } from "./run.js";

/**
 * Random numbers of one kind of simulation. Each element of each site has a stream of its own for
 * each draw, so that its numbers do not depend on what else is drawn.
 */
export interface DrawKeys {
  readonly key: PhiloxKey;
  /** Added to the number of the site: kinds of simulation of one seed keep apart. */
  readonly offset: number;
}

export interface Simulator {
  /**
   * One draw of the model. `given` are whole arrays of sites and params (with `missing`: entries
   * that are drawn all the same); `step` counts the draws. The arrays returned are those of the
   * simulator, overwritten by the next draw.
   * @throws TildeError where a parameter is outside its domain, or a site has no prior.
   */
  readonly draw: (given: DataSet, keys: DrawKeys, step: number) => ReadonlyMap<string, DataValue>;
  /** What simulation leaves out of the model. */
  readonly warnings: readonly Diagnostic[];
}

/**
 * Compiles a model's simulation. Data of sites are not used unless they are `given` at a draw.
 * With `only`, just those variables and what they depend on are computed; the others are absent.
 */
export function compileSimulator(conditioned: Conditioned, only?: ReadonlySet<string>): Simulator {
  const { model } = conditioned;
  const siteNumber = new Map(model.variables.map((v, i) => [v.name, i]));
  let keys: DrawKeys = { key: [0, 0], offset: 0 };
  let step = 0;
  let partly: DataSet = new Map();
  const skip = only === undefined ? new Set<string>() : notNeeded(model, wanted(only, model));
  const plate = model.unbounded;
  // Each item begins a component of its own at most.
  const most = plate && elementCount(labelDims(conditioned, plate));
  const runner = new Runner(
    compileModel(most === undefined ? conditioned : withComponents(conditioned, most)),
    {
      define: (leaf, f, store, element) => {
        const out = store.event(element);
        if (leaf.kind === "param") fail("param_draw", leaf.stmt.span, { name: leaf.stmt.name });
        if (leaf.kind === "let") {
          const value = leaf.value(f);
          if (value.dims.length === 0) out.fill(value.data[0]);
          else out.set(value.data);
          return;
        }
        const number = siteNumber.get(store.name) ?? internalError(`no site ${store.name}`);
        const rng = new RandomStream(keys.key, element, keys.offset + number, step);
        const known = partly.get(store.name);
        const before = known === undefined ? undefined : out.slice();
        leaf.draw(f, rng, out);
        if (known !== undefined && before !== undefined) {
          keepGiven(store, element, known, before, leaf.stmt.dist);
        }
      },
      reached: () => undefined,
    },
    skip,
  );
  return {
    draw: (given, drawKeys, drawStep) => {
      keys = drawKeys;
      step = drawStep;
      partly = new Map([...given].filter(([, v]) => v.missing !== undefined));
      runner.clear();
      for (const [name, value] of given) runner.give(name, value);
      runner.run();
      const drawn = [...runner.stores].filter(([name]) => !skip.has(name));
      return new Map(drawn.map(([name, store]) => [name, componentsInUse(store, runner, plate)]));
    },
    warnings: warningsOf(model),
  };
}

/** A variable's draw; of an unbounded plate, the components that have an item. */
function componentsInUse(
  store: Store,
  { stores }: Runner,
  plate: UnboundedPlate | undefined,
): DataValue {
  if (plate?.variables.includes(store.name) !== true) return store;
  const labels = stores.get(plate.label)?.data ?? internalError(`no labels ${plate.label}`);
  const used = labels.reduce((most, label) => Math.max(most, label + 1), 0);
  const dims = [used, ...store.dims.slice(1)];
  return { dims, data: store.data.subarray(0, elementCount(dims)) };
}

/** Puts the given entries of a partly given event back over the drawn ones. */
function keepGiven(
  store: Store,
  element: number,
  known: DataValue,
  given: Float64Array,
  dist: DistExpr,
): void {
  const { eventSize, variable } = store.shape;
  const gaps = known.missing?.subarray(element * eventSize, (element + 1) * eventSize);
  if (gaps === undefined || gaps.every((m) => m === 1)) return;
  // Entries that depend on each other would have to be drawn given the others.
  const isElementwise = !wholeSupports.has(variable.support.kind);
  if (!isElementwise || !isIndependent(dist)) {
    const name = elementName(store.name, unravel(element, store.shape.batch));
    fail("event_partly_given", variable.span, { element: name });
  }
  const out = store.event(element);
  gaps.forEach((missing, k) => {
    if (missing === 0) out[k] = given[k];
  });
}

const wholeSupports: ReadonlySet<SupportKind> = new Set([
  "simplex",
  "ordered",
  "positive_ordered",
  "unit_vector",
  "cov",
  "corr",
  "cholesky_cov",
  "cholesky_corr",
]);

/** Whether the numbers of one event are independent of each other. */
function isIndependent(d: DistExpr): boolean {
  switch (d.kind) {
    case "named":
      return definitionOf(d).event.rank === 0;
    case "truncated":
      return true;
    case "iid":
      return isIndependent(d.base);
    case "mixture":
    case "written":
      return d.event.dims.length === 0;
  }
}

/** With components, the labels that say how many of them are in use. */
function wanted(only: ReadonlySet<string>, { unbounded }: Model): ReadonlySet<string> {
  const asks = unbounded?.variables.some((name) => only.has(name)) === true;
  return asks ? new Set([...only, unbounded.label]) : only;
}

/** Variables that no variable of `only` depends on. */
function notNeeded(model: Model, only: ReadonlySet<string>): Set<string> {
  const reads = new Map<string, Set<string>>();
  walkStmts(model.body, (s) => {
    if (s.kind !== "site" && s.kind !== "let" && s.kind !== "param" && s.kind !== "local") return;
    const known = reads.get(s.name) ?? new Set<string>();
    for (const e of stmtExprs(s)) {
      walkExpr(e, (x) => {
        if (x.kind === "var") known.add(x.name);
      });
    }
    reads.set(s.name, known);
  });
  const needed = new Set<string>();
  const open = [...only];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (needed.has(name)) continue;
    needed.add(name);
    open.push(...(reads.get(name) ?? []));
  }
  return new Set(model.variables.map((v) => v.name).filter((name) => !needed.has(name)));
}

/** The input that `y[t] ~ D` names; undefined of `observe` with any other expression. */
function drawnInput(e: Expr): string | undefined {
  const target = e.kind === "index" ? e.target : e;
  return target.kind === "var" && target.role === "input" ? target.name : undefined;
}

function warningsOf(model: Model): Diagnostic[] {
  const found = new Map<string, Diagnostic>();
  walkStmts(model.body, (s) => {
    if (s.kind !== "factor" && s.kind !== "observe") return;
    const given = s.kind === "observe" ? drawnInput(s.value) : undefined;
    if (given !== undefined) {
      if (!found.has(`~ ${given}`)) {
        found.set(`~ ${given}`, diagnostic("simulation_given", s.span, { name: given }));
      }
      return;
    }
    const what = s.kind === "factor" ? "`factor` statements" : "`observe` statements";
    if (!found.has(what)) found.set(what, diagnostic("simulation_ignores", s.span, { what }));
  });
  return [...found.values()];
}
