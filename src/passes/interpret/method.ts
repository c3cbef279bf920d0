/** `D.log_prob(x)`, `D.cdf(x)` and `D.mean` as closures. */
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { Distribution, NodeArgs } from "../../distributions/contract.js";
import type { Expr } from "../../model/ir.js";
import { GraphBuilder } from "../../tensor/builder.js";
import { evaluateNode } from "../../tensor/evaluate.js";
import type { Node } from "../../tensor/ops.js";
import { compileDist, definitionOf } from "./dist.js";
import { type ArrayFn, scalarValue } from "./frame.js";
import type { LocalCompiler } from "./local.js";

type MethodExpr = Extract<Expr, { kind: "dist_method" }>;

/** The value of a distribution's method, with dims. */
export function compileMethod(c: LocalCompiler, e: MethodExpr): ArrayFn {
  if (e.method === "log_prob") {
    const dist = compileDist(c, e.dist);
    const x = c.value(e.args[0]);
    return (f) => {
      const { data } = x(f);
      const size = dist.eventSize(f);
      // A scalar stands for every element of a lifted event.
      const event = data.length === 1 && size > 1 ? new Float64Array(size).fill(data[0]) : data;
      if (event.length !== size) {
        fail("size_mismatch_at_run", e.span, { left: `[${data.length}]`, right: `[${size}]` });
      }
      return scalarValue(dist.logProb(f, event));
    };
  }
  if (e.dist.kind !== "named") return fail("dist_method_missing", e.span, { method: e.method });
  const def = definitionOf(e.dist);
  const args = Object.entries(e.dist.args).map(([name, expr]) => ({
    name,
    scalar: expr.type.scalar,
    value: c.value(expr),
  }));
  const x = e.method === "mean" ? undefined : c.value(e.args[0]);
  const liftRank = e.dist.event.dims.length - def.event.rank;
  const lift = e.dist.event.dims.slice(0, liftRank).map(c.size);
  const own = e.dist.event.dims.slice(liftRank).map(c.size);
  const method = methodOf(def, e);
  return (f) => {
    const g = new GraphBuilder();
    const nodes = Object.fromEntries(
      args.map((a) => {
        const v = a.value(f);
        return [a.name, g.constant(v.data, v.dims, a.scalar)];
      }),
    );
    const at = x?.(f);
    const point = at === undefined ? undefined : g.constant(at.data, at.dims);
    const batch = lift.map((s) => s(f));
    const dims = x === undefined ? [...batch, ...own.map((s) => s(f))] : [];
    return { dims, data: evaluateNode(method(g, point, nodes, batch)) };
  };
}

type Method = (g: GraphBuilder, x: Node | undefined, args: NodeArgs, batch: number[]) => Node;

function methodOf(def: Distribution, e: MethodExpr): Method {
  const { mean } = def;
  const tails = { cdf: def.cdf, log_cdf: def.logCdf, log_ccdf: def.logCcdf };
  const cdf = e.method === "mean" || e.method === "log_prob" ? undefined : tails[e.method];
  if (e.method === "mean" && mean !== undefined) return (g, _, args, batch) => mean(g, args, batch);
  if (cdf !== undefined) {
    return (g, x, args) => cdf(g, x ?? internalError("a cdf without its point"), args);
  }
  return fail("dist_method_missing", e.span, { method: e.method });
}
