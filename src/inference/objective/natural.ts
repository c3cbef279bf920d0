/**
 * Natural gradients of guides (Amari 1998). Params that are themselves the arguments of one site's
 * exponential family move along its natural parameters in closed form: on a conjugate model a step
 * of size 1 with the exact gradient is the posterior (Hoffman et al. 2013, section 2.3). Other params
 * of guides move along (F + λ I)⁻¹ ∇ by conjugate gradients, where F v = Σ Jᵀ F_s J v over the sites,
 * with J the derivative of their arguments at the draw (Martens 2020, section 10).
 */
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { Expr, Model, Stmt } from "../../model/ir.js";
import { printExpr } from "../../model/print.js";
import { stmtExprs, walkExpr, walkStmts } from "../../model/traverse.js";
import { gradient } from "../../passes/grad/index.js";
import type { InputNode, Node } from "../../tensor/ops.js";
import { inputsOf, substitute } from "../../tensor/transform.js";
import { distributionOf } from "../logjoint/dist.js";
import { flattenIndex } from "../logjoint/indexing.js";
import type { ParamSlot } from "./contract.js";
import { coordinatesOf } from "./coordinates.js";
import type { Parts } from "./costs.js";
import { families, informations } from "./families.js";
import type { Family, Fisher, Values } from "./family.js";
import { replaced } from "./next.js";
import { evaluateTerms, type Program, type Trace } from "./programs.js";
import { baseOf } from "./replicate.js";

/** The input that holds the step size. */
export const RATE = "natural.rate";

export interface NaturalStep {
  /** `[dimension]`; only where `isNatural` is 1. */
  readonly next: Node;
  /** Which params belong to guides; the others take another optimiser's steps. */
  readonly isNatural: Float64Array;
}

/** A drawn statement with its arguments. */
interface Drawn {
  readonly program: Program;
  readonly stmt: Extract<Stmt, { kind: "site" }>;
  readonly fisher: Fisher;
  /** Where steps along natural parameters have a closed form. */
  readonly family: Family | undefined;
  readonly args: Values;
  /** How many axes a single value of each argument has. */
  readonly ranks: Readonly<Record<string, number>>;
  /** How many data stand for one, divided by the copies of the draw. */
  readonly weight: number;
}

/** Conjugate gradients take no more steps than this. */
const mostSteps = 10;
/** λ as a part of the curvature along the gradient. */
const damping = 1e-3;

/**
 * @param grad of the objective in `theta`
 * @throws TildeError where a guide draws from what is no exponential family with a Fisher here.
 */
export function naturalStep(parts: Parts, grad: Node, dimension: number): NaturalStep {
  const { g, theta } = parts;
  const drawn = drawnStatements(parts);
  const rate = g.input(RATE, []);
  const isNatural = new Float64Array(dimension);
  const owned = new Set(drawn.map((d) => d.program));
  for (const program of owned) {
    for (const s of program.slots.values()) {
      if (s.isState !== true) isNatural.fill(1, s.offset, s.offset + s.length);
    }
  }
  const isOpen = Float64Array.from(isNatural);
  let next = theta as Node;
  const put = (slot: ParamSlot, values: Node): void => {
    next = replaced(g, next, slot, values);
    isOpen.fill(0, slot.offset, slot.offset + slot.length);
  };
  for (const d of drawn) {
    const closed = closedStep(parts, d, drawn, grad, rate);
    for (const [slot, values] of closed) put(slot, values);
  }
  if (isOpen.some((x) => x !== 0)) {
    const mask = g.constant(isOpen, [dimension]);
    const direction = conjugateGradients(parts, drawn, g.mul(grad, mask), mask);
    next = g.add(next, g.mul(g.broadcast(rate, [dimension], []), direction));
  }
  return { next, isNatural };
}

function drawnStatements(parts: Parts): Drawn[] {
  const found: Drawn[] = [];
  for (const draw of parts.objective.draws) {
    const program = parts.programs.get(draw.program);
    const trace = parts.traces.get(draw.name);
    if (program === undefined || trace === undefined || !program.isGuide || draw.frozen) continue;
    found.push(...ofTrace(parts, program, trace));
  }
  return found;
}

function ofTrace(parts: Parts, program: Program, trace: Trace): Drawn[] {
  const copies = trace.copies.loops.reduce((n, c) => n * c.count, 1);
  return evaluateTerms(parts, program, trace, false).flatMap((t): Drawn[] => {
    const stmt = t.statement;
    if (stmt.kind !== "site") {
      return stmt.kind === "factor" ? [] : fail("natural_family", stmt.span, { site: "observe" });
    }
    const base = baseOf(stmt.dist);
    const args = t.args?.() ?? {};
    const name = base.kind === "named" ? [base.name, ...Object.keys(args).sort()].join(" ") : "";
    const fisher = informations[name];
    if (fisher === undefined || base.kind !== "named") {
      return fail("natural_family", stmt.dist.span, { site: stmt.name });
    }
    const specs = distributionOf(base).parameterisations.flat();
    const ranks = Object.fromEntries(specs.map((p) => [p.name, p.rank]));
    const weight = t.scale / copies;
    return [{ program, stmt, fisher, family: families[name], args, ranks, weight }];
  });
}

/**
 * New unconstrained values of the params that are the arguments of this statement and nothing else:
 * every argument a param, read in the same way, or a number that depends on none.
 */
function closedStep(
  parts: Parts,
  d: Drawn,
  all: readonly Drawn[],
  grad: Node,
  rate: Node,
): [ParamSlot, Node][] {
  const { g, theta } = parts;
  const base = baseOf(d.stmt.dist);
  // A guide that is drawn from several times has its statement once for each.
  const same = all.filter((o) => isSame(o, d));
  if (d.family === undefined || base.kind !== "named" || same[0] !== d) return [];
  const { model } = d.program.conditioned;
  const slots = new Map<string, ParamSlot>();
  const patterns = new Set<string>();
  const batchOf = (name: string, dims: readonly number[]): readonly number[] =>
    dims.slice(0, dims.length - d.ranks[name]);
  for (const [name, e] of Object.entries(base.args)) {
    const read = paramRead(e);
    if (read === undefined) {
      if (inputsOf([d.args[name]]).includes(theta)) return [];
      continue;
    }
    const slot = d.program.slots.get(read.name);
    if (slot === undefined || countReads(model, read.name) !== 1) return [];
    if (coordinatesOf(slot) === undefined || slot.dims.length < d.ranks[name]) return [];
    slots.set(name, slot);
    patterns.add(`${read.indices} of ${batchOf(name, slot.dims).join(" ")}`);
  }
  if (slots.size === 0 || patterns.size > 1) return [];
  const values: Record<string, Node> = {};
  const slopes: Record<string, Node> = {};
  let count: Node | undefined;
  for (const [name, slot] of slots) {
    const at = coordinatesOf(slot) ?? internalError("no coordinates");
    const part = (x: Node): Node => g.slice(x, [slot.offset], [slot.length]);
    const own = part(theta);
    const pulled = (slope: Node): Node => at.pull(g, own, part(slope), slot.dims);
    values[name] = at.value(g, own, slot.dims);
    slopes[name] = pulled(grad);
    if (count !== undefined) continue;
    // How many draws read each value: that of its first element.
    const reads = same.reduce<Node>(
      (sum, o) => g.add(sum, g.mul(o.weight, g.sum(o.args[name]))),
      g.constant(0),
    );
    const [each] = gradient(g, reads, [theta]);
    const batch = batchOf(name, slot.dims);
    const box = [...batch, ...Array<number>(d.ranks[name]).fill(1)];
    const first = g.slice(
      pulled(each),
      box.map(() => 0),
      box,
    );
    count = g.reshape(first, batch);
  }
  const information = count ?? internalError("no count");
  const batch = information.shape;
  const axes = batch.map((_, k) => k);
  for (const [name, node] of Object.entries(d.args)) {
    if (slots.has(name)) continue;
    const one = sharedValue(node, d.ranks[name]);
    // Numbers that differ between draws are not seen as one family.
    if (one === undefined) return [];
    values[name] = g.broadcast(
      one,
      [...batch, ...one.shape],
      one.shape.map((_, k) => batch.length + k),
    );
  }
  // What no draw reads stays.
  const isRead = g.gt(information, 0);
  const divisor = g.select(isRead, information, 1);
  const scaled = Object.fromEntries(
    Object.entries(slopes).map(([name, s]) => {
      const over = (x: Node): Node => g.broadcast(x, s.shape, axes);
      return [name, g.select(over(isRead), g.div(s, over(divisor)), 0)];
    }),
  );
  const direction = d.family.direction(g, values, scaled);
  const moved = d.family.step(g, values, direction, rate);
  return [...slots].map(([name, slot]) => {
    const at = coordinatesOf(slot) ?? internalError("no coordinates");
    return [slot, at.free(g, moved[name])];
  });
}

/** Whether two draws are of the same statement of one guide. */
function isSame(a: Drawn, b: Drawn): boolean {
  const [s, t] = [a.stmt, b.stmt];
  return a.program === b.program && s.name === t.name && s.span.start === t.span.start;
}

/** The one value of all draws, where they share it: an array of the given rank. */
function sharedValue(x: Node, rank: number): Node | undefined {
  if (x.shape.length === rank) return x;
  if (x.op !== "broadcast" || x.x.shape.length > rank) return undefined;
  // Rank 0, or the trailing axes.
  const first = x.shape.length - rank;
  const isTrailing = x.axes.every((axis, k) => axis === first + k);
  return isTrailing && x.x.shape.length === rank ? x.x : undefined;
}

/** A param or its elements at loop variables; undefined for other expressions. */
function paramRead(e: Expr): { readonly name: string; readonly indices: string } | undefined {
  const { target, indices } = e.kind === "index" ? flattenIndex(e) : { target: e, indices: [] };
  if (target.kind !== "var" || target.role !== "param") return undefined;
  const all = indices.map((i) => (i.kind === "at" ? printExpr(i.value) : "range"));
  return { name: target.name, indices: all.join(", ") };
}

/** In how many places of the program a param is read. */
function countReads(model: Model, param: string): number {
  let count = 0;
  walkStmts(model.body, (s) => {
    for (const root of stmtExprs(s)) {
      walkExpr(root, (x) => {
        if (x.kind === "var" && x.role === "param" && x.name === param) count++;
      });
    }
  });
  return count;
}

/** (F + λ I)⁻¹ ∇ on the params of the mask (Hestenes and Stiefel 1952). */
function conjugateGradients(parts: Parts, drawn: readonly Drawn[], right: Node, mask: Node): Node {
  const { g } = parts;
  const apply = fisherProduct(parts, drawn, mask);
  const dot = (x: Node, y: Node): Node => g.sum(g.mul(x, y));
  const scaled = (s: Node, x: Node): Node => g.mul(g.broadcast(s, x.shape, []), x);
  // Once the residual is nothing, so is every further step.
  const ratio = (x: Node, y: Node): Node =>
    g.select(g.gt(y, 1e-300), g.div(x, g.select(g.gt(y, 1e-300), y, 1)), 0);
  const curvature = ratio(dot(right, apply(right)), dot(right, right));
  const lambda = g.mul(damping, curvature);
  const product = (v: Node): Node => g.add(apply(v), scaled(lambda, v));
  const steps = Math.min(mostSteps, right.shape[0]);
  let x: Node = g.zeros(right.shape);
  let residual = right;
  let direction = right;
  let size = dot(residual, residual);
  for (let k = 0; k < steps; k++) {
    const along = product(direction);
    const alpha = ratio(size, dot(direction, along));
    x = g.add(x, scaled(alpha, direction));
    residual = g.sub(residual, scaled(alpha, along));
    const after = dot(residual, residual);
    direction = g.add(residual, scaled(ratio(after, size), direction));
    size = after;
  }
  return x;
}

/** v ↦ F v, with J v as the derivative of Jᵀ u · v in u. */
function fisherProduct(parts: Parts, drawn: readonly Drawn[], mask: Node): (v: Node) => Node {
  const { g, theta } = parts;
  const places: { readonly d: Drawn; readonly name: string; readonly u: InputNode }[] = [];
  for (const [k, d] of drawn.entries()) {
    for (const [name, node] of Object.entries(d.args)) {
      places.push({ d, name, u: g.input(`natural.${k}.${name}`, node.shape) });
    }
  }
  const sum = (terms: readonly Node[]): Node =>
    terms.reduce((a, b) => g.add(a, b), g.constant(0) as Node);
  const weighted = sum(places.map(({ d, name, u }) => g.sum(g.mul(d.args[name], u))));
  const [transposed] = gradient(g, weighted, [theta]);
  const v = g.input("natural.v", theta.shape);
  const forward = gradient(
    g,
    g.sum(g.mul(transposed, v)),
    places.map((p) => p.u),
  );
  const zeros = new Map<Node, Node>(places.map(({ u }) => [u, g.zeros(u.shape)]));
  return (vector) => {
    const at = new Map(zeros).set(v, g.mul(vector, mask));
    const moved = substitute(g, forward, at);
    const images = drawn.flatMap((d) => {
      const own = places.map((p, k) => ({ ...p, node: moved[k] })).filter((p) => p.d === d);
      const u = Object.fromEntries(own.map((p) => [p.name, p.node]));
      const image = d.fisher(g, d.args, u);
      return own.map((p) => ({ p, image: g.mul(d.weight, image[p.name]) }));
    });
    const back = new Map<Node, Node>(images.map(({ p, image }) => [p.u, image]));
    return g.mul(substitute(g, [transposed], back)[0], mask);
  };
}
