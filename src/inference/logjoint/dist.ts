/** Densities of distributions in a model, for all index tuples of the context at once. */
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import {
  censoredLogProb,
  mixtureLogProb,
  truncatedLogProb,
} from "../../distributions/combinators.js";
import type { Distribution } from "../../distributions/contract.js";
import { distributions } from "../../distributions/index.js";
import type { DistExpr, Expr } from "../../model/ir.js";
import type { Node } from "../../tensor/ops.js";
import { pushBinder } from "./binders.js";
import {
  type Axis,
  axisSizes,
  type Context,
  eventRank,
  expand,
  type Lowered,
  unionAxes,
} from "./context.js";
import { type Lowerer, sizeOf } from "./lowerer.js";

type Named = Extract<DistExpr, { kind: "named" }>;
type DistOf<K extends DistExpr["kind"]> = Extract<DistExpr, { kind: K }>;

/** Where a density is taken: loops, then the repetitions of iid around it. */
export interface Batch {
  readonly axes: readonly Axis[];
  readonly lead: readonly number[];
}

export function distributionOf(d: Named): Distribution {
  return distributions[d.name] ?? internalError(`no distribution ${d.name}`);
}

/**
 * Log density of `x` (shape `axes ++ lead ++ event`), elementwise where the event is a lifted
 * array: shape `axes ++ lead ++ lifted dims`.
 */
export function logDensity(l: Lowerer, d: DistExpr, x: Node, batch: Batch, context: Context): Node {
  return (densityRules[d.kind] as DensityRule<DistExpr["kind"]>)(l, d as never, x, batch, context);
}

type DensityRule<K extends DistExpr["kind"]> = (
  l: Lowerer,
  d: DistOf<K>,
  x: Node,
  batch: Batch,
  context: Context,
) => Node;

const densityRules: { [K in DistExpr["kind"]]: DensityRule<K> } = {
  named: (l, d, x, batch, context) => {
    const { args, shape } = namedArgs(l, d, batch, context);
    return distributionOf(d).logProb(l.g, x, args, shape);
  },
  iid: (l, d, x, batch, context) => {
    const sizes = d.sizes.map((s) => sizeOf(l, s));
    return logDensity(l, d.base, x, { ...batch, lead: [...batch.lead, ...sizes] }, context);
  },
  truncated: (l, d, x, batch, context) => {
    if (d.base.kind !== "named") return internalError("only named distributions are truncated");
    const { args, shape } = namedArgs(l, d.base, batch, context);
    const bound = (e: Expr | undefined): Node | undefined =>
      e === undefined ? undefined : fitted(l, l.lower(e, context), batch, liftOf(l, d), 0);
    return (d.censored ? censoredLogProb : truncatedLogProb)(
      l.g,
      distributionOf(d.base),
      x,
      args,
      bound(d.lower),
      bound(d.upper),
      shape,
    );
  },
  mixture: (l, d, x, batch, context) =>
    d.binder === undefined
      ? listMixture(l, d, x, batch, context)
      : loopMixture(l, d, x, batch, context),
  written: writtenDensity,
};

/** The text's own expression, with the value held over the loops and the repetitions of iid. */
function writtenDensity(
  l: Lowerer,
  d: DistOf<"written">,
  x: Node,
  batch: Batch,
  context: Context,
): Node {
  const copies = batch.lead.map((size, k): Axis => ({ name: `${d.variable} copy ${k}`, size }));
  const axes = [...batch.axes, ...copies];
  const held = new Map(context.held).set(d.variable, { node: x, axes });
  const inner: Context = { ...context, axes: [...context.axes, ...copies], held };
  return expand(l.g, l.lower(d.logpdf, inner), axes);
}

/** log Σ_k w_k p_k(x) over listed components. */
function listMixture(
  l: Lowerer,
  d: DistOf<"mixture">,
  x: Node,
  batch: Batch,
  context: Context,
): Node {
  const rank = batch.axes.length + batch.lead.length;
  const components = d.components.map((c) =>
    sumTrailing(l, logDensity(l, c, x, batch, context), rank),
  );
  return mixtureLogProb(l.g, weightsOver(l, d, batch, context), components);
}

/** The same for one component that stands for every value of a binder. */
function loopMixture(
  l: Lowerer,
  d: DistOf<"mixture">,
  x: Node,
  batch: Batch,
  context: Context,
): Node {
  if (d.binder === undefined) return internalError("a mixture over a binder has one");
  const inner = pushBinder(l, d.binder, context);
  const axis = inner.axes[inner.axes.length - 1];
  const axes = [...batch.axes, axis];
  const at = batch.axes.length;
  const shape = [...axisSizes(axes), ...x.shape.slice(at)];
  const repeated = l.g.broadcast(
    x,
    shape,
    x.shape.map((_, k) => (k < at ? k : k + 1)),
  );
  const own = logDensity(l, d.components[0], repeated, { axes, lead: batch.lead }, inner);
  const rank = axes.length + batch.lead.length;
  const last = rank - 1;
  // The weights' components axis moves from the end to where the binder's axis stands.
  const weights = weightsOver(l, d, batch, context);
  const perm = [...range(0, at), last, ...range(at, last)];
  const term = l.g.add(sumTrailing(l, own, rank), l.g.transpose(weights, perm));
  return l.g.logsumexp(term, [at]);
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);

/** Log weights, shape `axes ++ lead ++ [K]`. */
function weightsOver(l: Lowerer, d: DistOf<"mixture">, batch: Batch, context: Context): Node {
  const w = l.lower(d.weights, context);
  const logs: Lowered = { node: l.g.log(w.node), axes: w.axes };
  return expand(l.g, logs, batch.axes, batch.lead);
}

function sumTrailing(l: Lowerer, x: Node, rank: number): Node {
  return x.shape.length === rank ? x : l.g.reduce("sum", x, range(rank, x.shape.length));
}

/** The dims over which a scalar distribution lifts: those of its array arguments. */
function liftOf(l: Lowerer, d: DistExpr): number[] {
  if (d.kind === "truncated") return liftOf(l, d.base);
  if (d.kind !== "named") return [];
  const own = distributionOf(d).event.rank;
  return d.event.dims.slice(0, d.event.dims.length - own).map((s) => sizeOf(l, s));
}

interface NamedArgs {
  readonly args: Readonly<Record<string, Node>>;
  readonly shape: readonly number[];
}

/** Arguments in the batch's shape, or in their own shape where nothing makes them vary. */
export function namedArgs(l: Lowerer, d: Named, batch: Batch, context: Context): NamedArgs {
  const def = distributionOf(d);
  const lift = liftOf(l, d);
  const args: Record<string, Node> = {};
  for (const [name, e] of Object.entries(d.args)) {
    const rank = def.parameterisations.flat().find((p) => p.name === name)?.rank ?? 0;
    args[name] = fitted(l, l.lower(e, context), batch, lift, rank);
  }
  return { args, shape: [...axisSizes(batch.axes), ...batch.lead, ...lift] };
}

function fitted(l: Lowerer, v: Lowered, batch: Batch, lift: readonly number[], rank: number): Node {
  const isLifted = eventRank(v) > rank;
  if (v.axes.length === 0 && !isLifted) return v.node;
  return expand(l.g, v, batch.axes, isLifted ? batch.lead : [...batch.lead, ...lift]);
}

/** `D.log_prob(x)`, `D.cdf(x)`, `D.mean`. */
export function lowerDistMethod(
  l: Lowerer,
  e: Extract<Expr, { kind: "dist_method" }>,
  context: Context,
): Lowered {
  const values = e.args.map((a) => l.lower(a, context));
  // Arguments of the distribution decide the loops too; lowering them twice is free (hash-consing).
  const axes = unionAxes(context, [...values, ...distArguments(l, e.dist, context)]);
  const batch: Batch = { axes, lead: [] };
  switch (e.method) {
    case "log_prob": {
      const x =
        eventRank(values[0]) < e.dist.event.dims.length
          ? expand(
              l.g,
              values[0],
              axes,
              e.dist.event.dims.map((s) => sizeOf(l, s)),
            )
          : expand(l.g, values[0], axes);
      const lp = logDensity(l, e.dist, x, batch, context);
      const rank = axes.length + e.type.dims.length;
      return { node: sumTrailing(l, lp, rank), axes };
    }
    case "cdf":
    case "log_cdf":
    case "log_ccdf": {
      const { method } = e;
      if (e.dist.kind !== "named") return fail("dist_method_missing", e.span, { method });
      const table = distributionOf(e.dist);
      const cdf = { cdf: table.cdf, log_cdf: table.logCdf, log_ccdf: table.logCcdf }[method];
      if (cdf === undefined) return fail("dist_method_missing", e.span, { method });
      const { args } = namedArgs(l, e.dist, batch, context);
      return { node: cdf(l.g, expand(l.g, values[0], axes), args), axes };
    }
    case "mean": {
      if (e.dist.kind !== "named") return fail("dist_method_missing", e.span, { method: "mean" });
      const { mean } = distributionOf(e.dist);
      if (mean === undefined) return fail("dist_method_missing", e.span, { method: "mean" });
      const { args, shape } = namedArgs(l, e.dist, batch, context);
      return { node: mean(l.g, args, shape), axes };
    }
  }
}

/** Every argument of a distribution, its components' included: what its loops depend on. */
export function distArguments(l: Lowerer, d: DistExpr, context: Context): Lowered[] {
  switch (d.kind) {
    case "named":
      return Object.values(d.args).map((a) => l.lower(a, context));
    case "iid":
      return distArguments(l, d.base, context);
    case "written":
      return Object.values(d.args).map((a) => l.lower(a, context));
    case "truncated":
      return [
        ...distArguments(l, d.base, context),
        ...[d.lower, d.upper].flatMap((b) => (b === undefined ? [] : [l.lower(b, context)])),
      ];
    case "mixture": {
      const inner = d.binder === undefined ? context : pushBinder(l, d.binder, context);
      const all = d.components.flatMap((c) => distArguments(l, c, inner));
      const outer = new Set(context.axes.map((a) => a.name));
      return [l.lower(d.weights, context), ...all].map((v) => ({
        node: v.node,
        axes: v.axes.filter((a) => outer.has(a.name)),
      }));
    }
  }
}
