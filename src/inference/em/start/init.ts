/**
 * The initial values that a model gives its params (`param s: positive = 1`): expressions of inputs,
 * loop variables and earlier params, or distributions that are drawn from.
 */
import { philoxKey, RandomStream } from "../../../math/rng/index.js";
import type { DistExpr, Expr, Model } from "../../../model/ir.js";
import { isDistExpr, walkStmts } from "../../../model/traverse.js";
import type { Conditioned } from "../../../passes/condition/index.js";
import { compileDist } from "../../../passes/interpret/dist.js";
import type { ArrayFn } from "../../../passes/interpret/frame.js";
import { compileModel } from "../../../passes/interpret/model.js";
import { Runner } from "../../../passes/interpret/run.js";

/** Params of which every defining statement has an initial value. */
export function paramsWithInit(model: Model): Set<string> {
  const given = new Set<string>();
  const open = new Set<string>();
  walkStmts(model.body, (s) => {
    if (s.kind === "param") (s.init === undefined ? open : given).add(s.name);
  });
  for (const name of open) given.delete(name);
  return given;
}

/** A stream's site: params are numbered apart from what else a seed draws. */
const INIT_STREAMS = 0x7ffe0000;

/**
 * Values of the params with an initial value, in their own coordinates, whole arrays. Draws depend
 * on the seed, the restart and the param's element alone.
 */
export function initialParams(
  conditioned: Conditioned,
  seed: number | bigint,
  restart: number,
): Map<string, Float64Array> {
  const wanted = paramsWithInit(conditioned.model);
  if (wanted.size === 0) return new Map();
  const program = compileModel(conditioned);
  const { compiler } = program;
  const compiled = new Map<Expr | DistExpr, ArrayFn | ReturnType<typeof compileDist>>();
  const inits: { readonly name: string; readonly init: Expr | DistExpr }[] = [];
  walkStmts(conditioned.model.body, (s) => {
    if (s.kind === "param" && s.init !== undefined) inits.push({ name: s.name, init: s.init });
  });
  for (const { init } of inits) {
    compiled.set(init, isDistExpr(init) ? compileDist(compiler, init) : compiler.value(init));
  }
  const others = conditioned.model.variables.map((v) => v.name).filter((n) => !wanted.has(n));
  const numbers = new Map(conditioned.model.variables.map((v, i) => [v.name, i]));
  const key = philoxKey(seed);
  const runner = new Runner(
    program,
    {
      define: (leaf, f, store, element) => {
        if (leaf.kind !== "param" || leaf.stmt.init === undefined) return;
        const out = store.event(element);
        const init = compiled.get(leaf.stmt.init);
        if (init === undefined) return;
        if (typeof init === "function") {
          const value = init(f);
          if (value.data.length === 1) out.fill(value.data[0]);
          else out.set(value.data);
          return;
        }
        const number = INIT_STREAMS + (numbers.get(store.name) ?? 0);
        const rng = new RandomStream(key, element, number, restart);
        // A scalar distribution fills an array element by element.
        const step = Math.max(1, init.eventSize(f));
        for (let at = 0; at < out.length; at += step) {
          init.draw(f, rng, out.subarray(at, at + step));
        }
      },
      reached: () => undefined,
    },
    new Set(others),
  );
  runner.clear();
  runner.run();
  return new Map(
    [...runner.stores]
      .filter(([name]) => wanted.has(name))
      .map(([name, store]) => [name, store.data.slice()]),
  );
}
