/**
 * The first `theta`: params begin at their initial values, drawn where those are distributions, and
 * in the centre of their support where there is none (all unconstrained numbers 0).
 */
import { fail } from "../../base/diagnostic.js";
import { type PhiloxKey, philoxKey } from "../../math/rng/index.js";
import { type DataSet, type DataValue, elementName, unravel } from "../../model/data.js";
import type { Expr, Model, Stmt, Variable } from "../../model/ir.js";
import { isDistExpr } from "../../model/traverse.js";
import { type Conditioned, hostScope } from "../../passes/condition/index.js";
import { evaluateExpr } from "../../passes/interpret/expr.js";
import { compileSimulator } from "../../passes/interpret/simulate.js";
import { bijectorOf } from "../bijectors/index.js";
import type { ParamSlot } from "./contract.js";
import { dependents, filterStmts } from "./replicate.js";
import { inverses } from "./unconstrain.js";

/** A program whose params are asked for. */
export interface ParamOwner {
  readonly conditioned: Conditioned;
  readonly slots: ReadonlyMap<string, ParamSlot>;
}

/** Sites of other kinds of simulation have smaller numbers. */
const siteOffset = 0x4000_0000;

/**
 * Initial unconstrained params, reproducible by the seed; those in `given`, by their slots' names,
 * have the values there.
 * @throws TildeError where an initial value lies outside its param's support.
 */
export function initialTheta(
  owners: readonly ParamOwner[],
  dimension: number,
  seed: number | bigint,
  given: DataSet = new Map(),
): Float64Array {
  const theta = new Float64Array(dimension);
  const key = philoxKey(seed);
  for (const [number, owner] of owners.entries()) {
    if (owner.slots.size > 0) fill(theta, owner, key, siteOffset + number * 0x10_0000, given);
  }
  return theta;
}

function fill(
  theta: Float64Array,
  owner: ParamOwner,
  key: PhiloxKey,
  offset: number,
  given: DataSet,
): void {
  const { conditioned, slots } = owner;
  const model = startingModel(conditioned.model);
  const simulator = compileSimulator({ ...conditioned, model, observed: new Map() });
  const values = simulator.draw(new Map(), { key, offset }, 0);
  for (const [name, slot] of slots) {
    const value = given.get(slot.name) ?? values.get(name);
    const variable = conditioned.model.variables.find((v) => v.name === name);
    if (value !== undefined && variable !== undefined) {
      theta.set(unconstrained(conditioned, variable, slot, value), slot.offset);
    }
  }
}

/** Params with an initial value as sites and definitions; of the rest only what those may read. */
function startingModel(model: Model): Model {
  const unknown = model.variables.filter((v) => v.role !== "let").map((v) => v.name);
  const later = dependents(model, new Set(unknown));
  const drawn = new Set<string>();
  const set = new Set<string>();
  const begin = (list: readonly Stmt[]): Stmt[] =>
    list.map((s): Stmt => {
      if (s.kind === "for") return { ...s, body: begin(s.body) };
      // biome-ignore lint/suspicious/noThenProperty: the branch's name in the IR, never awaited
      if (s.kind === "if") return { ...s, then: begin(s.then), else: begin(s.else) };
      if (s.kind !== "param" || s.init === undefined) return s;
      const { name, span, indices, init } = s;
      if (isDistExpr(init)) {
        drawn.add(name);
        return { kind: "site", name, span, indices, dist: init, restricted: false };
      }
      set.add(name);
      return { kind: "let", name, span, indices, value: init };
    });
  const kept = filterStmts(
    model.body,
    (s) => (s.kind === "param" && s.init !== undefined) || (s.kind === "let" && !later.has(s.name)),
  );
  const body = begin(kept);
  const variables = model.variables.flatMap((v): Variable[] => {
    if (drawn.has(v.name)) return [{ ...v, role: "site" }];
    if (set.has(v.name)) return [{ ...v, role: "let" }];
    return v.role === "let" && !later.has(v.name) ? [v] : [];
  });
  return { ...model, variables, body };
}

function unconstrained(
  conditioned: Conditioned,
  variable: Variable,
  slot: ParamSlot,
  value: DataValue,
): Float64Array {
  const { support } = slot;
  const { eventRank, free } = bijectorOf(support.kind);
  const size = eventRank === 0 ? 1 : slot.dims[slot.dims.length - 1];
  const unit = size ** eventRank;
  const width = free(size);
  const end = (e: Expr | undefined): number | undefined =>
    e &&
    evaluateExpr(e, hostScope(conditioned.inputs, conditioned.sizes, conditioned.model)).data[0];
  const ends =
    support.kind === "interval" ? { lower: end(support.lower), upper: end(support.upper) } : {};
  const refuse = (i: number): never =>
    fail("param_start", variable.span, {
      element: elementName(slot.name, unravel(i * unit, slot.dims)),
      value: value.data.slice(i * unit, (i + 1) * unit).join(", "),
      support: support.kind,
    });
  if (eventRank === 0) {
    // Each number by itself: all at once.
    const all = inverses[support.kind](value.data, 1, ends);
    const bad = all.findIndex((u) => !Number.isFinite(u));
    return bad < 0 ? all : refuse(bad);
  }
  const out = new Float64Array(slot.length);
  for (let i = 0; i * unit < value.data.length; i++) {
    const event = value.data.slice(i * unit, (i + 1) * unit);
    const u = inverses[support.kind](event, size, ends);
    if (!u.every(Number.isFinite)) refuse(i);
    out.set(u, i * width);
  }
  return out;
}
