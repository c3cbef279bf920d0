/**
 * Distributions of a model on the host: log densities of single events by the distribution's own
 * graph, and draws by its sampler.
 */
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { Span } from "../../base/span.js";
import {
  censoredLogProb,
  logMassBetween,
  truncatedLogProb,
} from "../../distributions/combinators.js";
import type { Distribution, HostArgs, ParamSpec } from "../../distributions/contract.js";
import { distributions } from "../../distributions/index.js";
import { truncatedQuantile } from "../../distributions/truncated-sampling.js";
import type { RandomStream } from "../../math/rng/index.js";
import { logsumexp } from "../../math/special/index.js";
import { type DataValue, elementCount } from "../../model/data.js";
import type { DistExpr, Expr } from "../../model/ir.js";
import { GraphBuilder } from "../../tensor/builder.js";
import { evaluate } from "../../tensor/evaluate.js";
import type { Node } from "../../tensor/ops.js";
import { compileBinder } from "./binder.js";
import type { ArrayFn, Frame, ScalarFn } from "./frame.js";
import type { LocalCompiler } from "./local.js";
import { checkParameter, checkWeights } from "./parameters.js";
import { compileWritten } from "./written.js";

type DistOf<K extends DistExpr["kind"]> = Extract<DistExpr, { kind: K }>;

/** A distribution of a model, ready to be evaluated at one index tuple after another. */
export interface HostDist {
  /** Numbers in one event. */
  readonly eventSize: ScalarFn;
  /** Log density of one event, summed over the elements of a lifted array. */
  readonly logProb: (f: Frame, x: Float64Array) => number;
  /**
   * One event, written to `out`.
   * @throws TildeError where a parameter is outside its domain or the density is improper.
   */
  readonly draw: (f: Frame, rng: RandomStream, out: Float64Array) => void;
  /**
   * Of events of one number: independent draws that fill `out`, the same as so many calls of `draw`.
   */
  readonly drawMany?: (f: Frame, rng: RandomStream, out: Float64Array) => void;
}

/** The table's entry of a named distribution. */
export function definitionOf(d: DistOf<"named">): Distribution {
  return distributions[d.name] ?? internalError(`no distribution ${d.name}`);
}

export function compileDist(c: LocalCompiler, d: DistExpr): HostDist {
  switch (d.kind) {
    case "named":
      return compileNamed(c, d);
    case "truncated":
      return compileNamed(c, d.base.kind === "named" ? d.base : notNamed(), {
        lower: d.lower,
        upper: d.upper,
        censored: d.censored,
      });
    case "iid":
      return compileIid(c, d);
    case "mixture":
      return compileMixture(c, d);
    case "written":
      return compileWritten(c, d, compileDist);
  }
}

function notNamed(): never {
  return internalError("only named distributions are truncated");
}

/** Arguments with the rank that the distribution gives them; a higher rank lifts. */
interface Argument {
  readonly spec: ParamSpec;
  readonly expr: Expr;
  readonly value: ArrayFn;
}

function argumentsOf(c: LocalCompiler, d: DistOf<"named">): Argument[] {
  const specs = definitionOf(d).parameterisations.flat();
  return Object.entries(d.args).map(([name, expr]) => ({
    spec: specs.find((p) => p.name === name) ?? internalError(`${d.name} has no parameter ${name}`),
    expr,
    value: c.value(expr),
  }));
}

export interface BoundExprs {
  readonly lower?: Expr;
  readonly upper?: Expr;
  /** Draws beyond a bound become the bound. */
  readonly censored?: true;
}

/** A named distribution, perhaps truncated or censored; arrays among scalar arguments lift it. */
export function compileNamed(
  c: LocalCompiler,
  d: DistOf<"named">,
  truncation?: BoundExprs,
): HostDist {
  const def = definitionOf(d);
  const args = argumentsOf(c, d);
  const dims = d.event.dims.map(c.size);
  const liftRank = dims.length - def.event.rank;
  const bound = (e: Expr | undefined) => (e === undefined ? undefined : c.scalar(e));
  const lower = bound(truncation?.lower);
  const upper = bound(truncation?.upper);
  const density = densityGraphs(d, args, truncation);
  const eventSize: ScalarFn = (f) => {
    let n = 1;
    for (const s of dims) n *= s(f);
    return n;
  };
  // What the draws share is evaluated and checked once.
  const drawMany: HostDist["drawMany"] = (f, rng, out) => {
    if (out.length === 0) return;
    const host = hostArgs(
      d,
      args,
      args.map((a) => a.value(f)),
      0,
    );
    if (def.name === "Flat") checkProper(host, d.span);
    for (let i = 0; i < out.length; i++) out[i] = def.sample(rng, host) as number;
  };
  return {
    eventSize,
    ...(dims.length === 0 && truncation === undefined && { drawMany }),
    logProb: (f, x) => {
      const values = args.map((a) => a.value(f));
      return density(
        x,
        dims.map((s) => s(f)),
        values,
        lower?.(f),
        upper?.(f),
      );
    },
    draw: (f, rng, out) => {
      const values = args.map((a) => a.value(f));
      const shape = dims.map((s) => s(f));
      const copies = elementCount(shape.slice(0, liftRank));
      const own = elementCount(shape.slice(liftRank));
      const low = lower?.(f);
      const high = upper?.(f);
      for (let i = 0; i < copies; i++) {
        const host = hostArgs(d, args, values, i);
        if (def.event.rank > 0) {
          out.set(def.sample(rng, host) as Float64Array, i * own);
        } else if (truncation?.censored) {
          const free = def.sample(rng, host) as number;
          out[i] = Math.min(Math.max(free, low ?? -Infinity), high ?? Infinity);
        } else if (low !== undefined || high !== undefined) {
          out[i] = drawBetween(rng, def, host, low, high, d.span);
        } else {
          if (def.name === "Flat") checkProper(host, d.span);
          out[i] = def.sample(rng, host) as number;
        }
      }
    },
  };
}

/** The arguments of copy `i` of a lifted distribution, checked against their domains. */
function hostArgs(
  d: DistOf<"named">,
  args: readonly Argument[],
  values: readonly DataValue[],
  i: number,
): HostArgs {
  const out: Record<string, number | Float64Array> = {};
  args.forEach(({ spec, expr }, k) => {
    const { data, dims } = values[k];
    const isLifted = dims.length > spec.rank;
    if (spec.rank === 0) {
      out[spec.name] = data[isLifted ? i : 0];
    } else {
      const own = elementCount(dims.slice(dims.length - spec.rank));
      out[spec.name] = isLifted ? data.slice(i * own, (i + 1) * own) : data;
    }
    checkParameter(d.name, spec, out[spec.name], expr.span);
  });
  return out;
}

function checkProper(args: HostArgs, span: Span): void {
  const isBounded = Number.isFinite(args.lower) && Number.isFinite(args.upper);
  if (!isBounded) fail("improper_draw", span, {});
}

/** How often a draw is repeated until it falls between bounds, where there are no tails. */
const MAX_TRIES = 100_000;
/** With tails, inversion costs about as much as a hundred draws. */
const TRIES_BEFORE_INVERSION = 100;

/** One draw of a scalar distribution conditioned on an interval; exact. */
export function drawBetween(
  rng: RandomStream,
  def: Distribution,
  args: HostArgs,
  lower: number | undefined,
  upper: number | undefined,
  span: Span,
): number {
  if (def.name === "Flat") {
    const low = Math.max(lower ?? -Infinity, (args.lower as number | undefined) ?? -Infinity);
    const high = Math.min(upper ?? Infinity, (args.upper as number | undefined) ?? Infinity);
    const both = { lower: low, upper: high };
    checkProper(both, span);
    return def.sample(rng, both) as number;
  }
  const hasTails = def.logCdf !== undefined && def.logCcdf !== undefined;
  const tries = hasTails ? TRIES_BEFORE_INVERSION : MAX_TRIES;
  for (let k = 0; k < tries; k++) {
    const x = def.sample(rng, args) as number;
    if (x >= (lower ?? -Infinity) && x <= (upper ?? Infinity)) return x;
  }
  if (hasTails && hasMass(def, args, lower, upper)) {
    return truncatedQuantile(rng.uniform(), def, args, lower, upper);
  }
  return fail("draw_without_mass", span, { tries: hasTails ? 0 : MAX_TRIES });
}

type Density = (
  x: Float64Array,
  eventDims: readonly number[],
  values: readonly DataValue[],
  lower: number | undefined,
  upper: number | undefined,
) => number;

/** The density's graph, built once for each combination of shapes. */
function densityGraphs(
  d: DistOf<"named">,
  args: readonly Argument[],
  truncation: BoundExprs | undefined,
): Density {
  const def = definitionOf(d);
  const known = new Map<string, Node>();
  const build = (eventDims: readonly number[], values: readonly DataValue[]): Node => {
    const g = new GraphBuilder();
    const batch = eventDims.slice(0, eventDims.length - def.event.rank);
    const x = g.input("x", eventDims, d.event.scalar);
    const nodes: Record<string, Node> = {};
    args.forEach(({ spec, expr }, k) => {
      nodes[spec.name] = g.input(`a.${spec.name}`, values[k].dims, expr.type.scalar);
    });
    const bound = (name: string, e: Expr | undefined) =>
      e === undefined ? undefined : g.input(name, [], e.type.scalar);
    const term =
      truncation === undefined
        ? def.logProb(g, x, nodes, batch)
        : (truncation.censored ? censoredLogProb : truncatedLogProb)(
            g,
            def,
            x,
            nodes,
            bound("lower", truncation.lower),
            bound("upper", truncation.upper),
            batch,
          );
    return g.sum(term);
  };
  return (x, eventDims, values, lower, upper) => {
    const key = [eventDims, ...values.map((v) => v.dims)].map((s) => s.join()).join(";");
    let node = known.get(key);
    if (node === undefined) {
      node = build(eventDims, values);
      known.set(key, node);
    }
    const inputs: Record<string, ArrayLike<number>> = { x };
    args.forEach(({ spec }, k) => {
      inputs[`a.${spec.name}`] = values[k].data;
    });
    if (lower !== undefined) inputs.lower = [lower];
    if (upper !== undefined) inputs.upper = [upper];
    return evaluate([node], inputs)[0][0];
  };
}

function hasMass(
  def: Distribution,
  args: HostArgs,
  lower: number | undefined,
  upper: number | undefined,
): boolean {
  const low = lower ?? -Infinity;
  const high = upper ?? Infinity;
  if (!(low <= high)) return false;
  if (low === high && def.event.scalar === "real") return false;
  const g = new GraphBuilder();
  const nodes = Object.fromEntries(
    Object.entries(args).map(([name, value]) => [name, g.constant(value)]),
  );
  const at = (x: number | undefined) => (x === undefined ? undefined : g.constant(x));
  const mass = logMassBetween(g, def, nodes, at(lower), at(upper));
  return evaluate([mass], {})[0][0] > -Infinity;
}

/** Independent copies along new leading axes. */
export function compileIid(
  c: LocalCompiler,
  d: DistOf<"iid">,
  base: HostDist = compileDist(c, d.base),
): HostDist {
  const sizes = d.sizes.map(c.size);
  const copies = (f: Frame): number => sizes.reduce((n, s) => n * s(f), 1);
  return {
    eventSize: (f) => copies(f) * base.eventSize(f),
    logProb: (f, x) => {
      const own = base.eventSize(f);
      const count = copies(f);
      let total = 0;
      for (let i = 0; i < count; i++) total += base.logProb(f, x.subarray(i * own, (i + 1) * own));
      return total;
    },
    draw: (f, rng, out) => {
      if (base.drawMany !== undefined) {
        base.drawMany(f, rng, out);
        return;
      }
      const own = base.eventSize(f);
      const count = copies(f);
      for (let i = 0; i < count; i++) base.draw(f, rng, out.subarray(i * own, (i + 1) * own));
    },
  };
}

function compileMixture(c: LocalCompiler, d: DistOf<"mixture">): HostDist {
  const weights = c.array(d.weights);
  const dists = d.components.map((x) => compileDist(c, x));
  const loop = d.binder === undefined ? undefined : compileBinder(c, d.binder);
  const component = (f: Frame, k: number): HostDist => {
    if (loop === undefined) return dists[k];
    f.slots[loop.slot] = loop.from(f) + k;
    return dists[0];
  };
  const count = (f: Frame): number =>
    loop === undefined ? dists.length : Math.max(0, loop.to(f) - loop.from(f));
  return {
    eventSize: (f) => component(f, 0).eventSize(f),
    logProb: (f, x) => {
      const w = weights(f).data;
      const terms = new Float64Array(count(f));
      if (terms.length !== w.length) weightsMismatch(d, w.length, terms.length);
      for (let k = 0; k < terms.length; k++) {
        terms[k] = Math.log(w[k]) + component(f, k).logProb(f, x);
      }
      return logsumexp(terms);
    },
    draw: (f, rng, out) => {
      const w = weights(f).data;
      if (count(f) !== w.length) weightsMismatch(d, w.length, count(f));
      checkWeights(w, d.weights.span);
      component(f, rng.categorical(w)).draw(f, rng, out);
    },
  };
}

function weightsMismatch(d: DistOf<"mixture">, weights: number, components: number): never {
  return fail("size_mismatch_at_run", d.span, {
    left: `[${weights}]`,
    right: `[${components}]`,
  });
}
