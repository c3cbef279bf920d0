/** Many transitions in one call, their draws and statistics gathered in block buffers. */
import { add, get, i32, index, load, loop, mul, perform, set, store } from "../../kernel/build.js";
import type { Expr, KernelFunction, Stmt } from "../../kernel/ir.js";
import { type HamiltonianShape, STATISTIC_COUNT, STATISTICS, type Statistic } from "./shape.js";
import { copy, whole } from "./vector.js";

/** Writes the statistics of a transition to `mc_stats` and adds its steps to `mc_gradients`. */
export function statistics(of: { readonly [S in Statistic]: Expr }): readonly Stmt[] {
  const total = load("mc_gradients", i32(0));
  return [
    ...STATISTICS.map((name, k) => store("mc_stats", i32(k), of[name])),
    store("mc_gradients", i32(0), add(total, of.n_leapfrog)),
  ];
}

/**
 * `<name>(first, count, thin)`: makes `count` draws, each the last of `thin` transitions, numbered
 * from `first` on. Draw t goes to row t of `block_draws` and `block_stats`; count is at most the
 * shape's `blockDraws`.
 */
export function blockFunction(
  shape: HamiltonianShape,
  name: string,
  transition: string,
): KernelFunction {
  const [first, count, thin] = [whole("first"), whole("count"), whole("thin")];
  const [iteration, row] = [whole("iteration"), whole("row")];
  const draw = index("draw");
  return {
    name,
    params: [first, count, thin],
    body: [
      set(iteration, get(first)),
      loop("draw", i32(0), get(count), [
        loop("skip", i32(0), get(thin), [
          perform(transition, [get(iteration)]),
          set(iteration, add(get(iteration), i32(1))),
        ]),
        perform("constrain", []),
        set(row, mul(draw, i32(shape.constrained))),
        ...copy(shape.constrained, [
          { buffer: "constrained" },
          { buffer: "block_draws", offset: get(row) },
        ]),
        set(row, mul(draw, i32(STATISTIC_COUNT))),
        ...copy(STATISTIC_COUNT, [
          { buffer: "mc_stats" },
          { buffer: "block_stats", offset: get(row) },
        ]),
      ]),
    ],
    exported: true,
  };
}
