/** Distributions of the text (`dist`): their members as closures over a value in a slot. */
import { fail } from "../../base/diagnostic.js";
import type { DistExpr, Expr, Type } from "../../model/ir.js";
import type { HostDist } from "./dist.js";
import { type Frame, type ScalarFn, scalarValue } from "./frame.js";
import type { LocalCompiler } from "./local.js";

type Compile = (c: LocalCompiler, d: DistExpr) => HostDist;
type Written = Extract<DistExpr, { kind: "written" }>;

/** @param compile compiles the distributions that its own draws come from */
export function compileWritten(c: LocalCompiler, d: Written, compile: Compile): HostDist {
  const hold = holder(c, d.variable, d.event);
  const density = c.scalar(d.logpdf);
  return {
    eventSize: sizeOf(c, d.event),
    logProb: (f, x) => hold(f, x, () => density(f)),
    draw: drawOf(c, d, compile),
  };
}

function sizeOf(c: LocalCompiler, type: Type): ScalarFn {
  const dims = type.dims.map(c.size);
  return (f) => dims.reduce((n, s) => n * s(f), 1);
}

type Hold = <T>(f: Frame, x: Float64Array, inside: () => T) => T;

/** Runs something while a local has the value of an event. */
function holder(c: LocalCompiler, name: string, type: Type): Hold {
  const slot = c.bindLocal(name);
  const dims = type.dims.map(c.size);
  return (f, x, inside) => {
    const outer = f.slots[slot];
    f.slots[slot] = dims.length === 0 ? x[0] : { dims: dims.map((s) => s(f)), data: x };
    try {
      return inside();
    } finally {
      f.slots[slot] = outer;
    }
  };
}

/** The other draws in their order, then what the text makes of them. */
function drawOf(c: LocalCompiler, d: Written, compile: Compile): HostDist["draw"] {
  const { sampler } = d;
  if (sampler === undefined) {
    return () => fail("dist_no_sample", d.span, { name: d.name });
  }
  const draws = sampler.draws.map(({ name, dist }) => {
    // Its own parameters may name the draws before it, whose slots are bound by now.
    const host = compile(c, dist);
    return { host, hold: holder(c, name, dist.event) };
  });
  const isScalar = d.event.dims.length === 0;
  const value = isScalar ? c.scalar(sampler.value) : c.array(sampler.value);
  const bound = (e: Expr | undefined) => (e === undefined ? undefined : c.scalar(e));
  const lower = bound(sampler.within?.lower);
  const upper = bound(sampler.within?.upper);
  const once: HostDist["draw"] = (f, rng, out) => {
    const from = (k: number): void => {
      if (k === draws.length) {
        const made = value(f);
        out.set(typeof made === "number" ? scalarValue(made).data : made.data);
        return;
      }
      const { host, hold } = draws[k];
      const x = new Float64Array(host.eventSize(f));
      host.draw(f, rng, x);
      hold(f, x, () => from(k + 1));
    };
    from(0);
  };
  if (lower === undefined && upper === undefined) return once;
  return (f, rng, out) => {
    const [low, high] = [lower?.(f) ?? -Infinity, upper?.(f) ?? Infinity];
    for (let k = 0; k < MAX_TRIES; k++) {
      once(f, rng, out);
      if (out[0] >= low && out[0] <= high) return;
    }
    fail("draw_without_mass", d.span, { tries: MAX_TRIES });
  };
}

/** How often a draw is repeated until it falls between bounds. */
const MAX_TRIES = 100_000;
