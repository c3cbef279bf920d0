/**
 * The adjoint of a loop: a loop in the other direction over the saved carries. Each step of it
 * differentiates one step of the body, carries the adjoint of the carry back, and sums the adjoints
 * of the constants.
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node, NodeOf } from "../../tensor/ops.js";
import { substitute } from "../../tensor/transform.js";
import type { Adjoints } from "./contract.js";

/** Gradient of `Σ ⟨cotangent, output⟩`, as `vjp` of the driver computes it. */
export type Vjp = (
  g: GraphBuilder,
  outputs: readonly Node[],
  cotangents: readonly (Node | undefined)[],
  wrt: readonly Node[],
) => Node[];

/** Picks the elements at the positions where `keep` is true. */
function pick<T>(xs: readonly T[], keep: readonly boolean[]): T[] {
  return xs.filter((_, k) => keep[k]);
}

/** `results[k]` is the adjoint of output k of the scan, undefined for an output nobody uses. */
export function scanVjp(
  a: Adjoints,
  n: NodeOf<"scan">,
  results: readonly (Node | undefined)[],
  vjp: Vjp,
): void {
  const { g } = a;
  const { body } = n;
  const carries = n.init.length;
  // The loop again, with the carries that enter each step among its results; equal loops are
  // merged by the simplifier, so that the model runs it once.
  const saved = g.scanOf(n, { ...body, ys: [...body.ys, ...body.carry] });
  const entering = saved.ys.slice(body.ys.length);

  const realCarry = body.carry.map((c) => c.dtype === "real");
  const wantedXs = n.xs.map((x) => a.wants(x));
  const wantedConsts = n.consts.map((x) => a.wants(x));
  const usedYs = body.ys.map((_, k) => results[carries + k] !== undefined);

  const finalAdjoints = pick(n.init, realCarry).map((x, k) => {
    const position = realCarry.flatMap((real, i) => (real ? [i] : []))[k];
    return results[position] ?? g.zeros(x.shape);
  });
  const sums = pick(n.consts, wantedConsts).map((x) => g.zeros(x.shape));
  const carryCount = finalAdjoints.length;

  const back = g.scan(
    {
      length: n.length,
      reverse: !n.reverse,
      init: [...finalAdjoints, ...sums],
      xs: [...entering, ...n.xs, ...pick(results.slice(carries), usedYs).map((x) => x!)],
      consts: n.consts,
    },
    (b, state, slices, consts) => {
      const replaced = new Map<Node, Node>();
      body.carry.forEach((c, k) => {
        replaced.set(c, slices[k]);
      });
      body.slices.forEach((s, k) => {
        replaced.set(s, slices[carries + k]);
      });
      body.consts.forEach((c, k) => {
        replaced.set(c, consts[k]);
      });
      const outputs = substitute(
        b,
        [...pick(body.nextCarry, realCarry), ...pick(body.ys, usedYs)],
        replaced,
      );
      const cotangents = [...state.slice(0, carryCount), ...slices.slice(carries + n.xs.length)];
      const carryInputs = pick(slices.slice(0, carries), realCarry);
      const sliceInputs = pick(slices.slice(carries, carries + n.xs.length), wantedXs);
      const constInputs = pick(consts, wantedConsts);
      const adjoints = vjp(b, outputs, cotangents, [
        ...carryInputs,
        ...sliceInputs,
        ...constInputs,
      ]);
      const constAdjoints = adjoints.slice(carryCount + sliceInputs.length);
      return {
        carry: [
          ...adjoints.slice(0, carryCount),
          ...constAdjoints.map((d, k) => b.add(state[carryCount + k], d)),
        ],
        ys: adjoints.slice(carryCount, carryCount + sliceInputs.length),
      };
    },
  );
  pick(n.init, realCarry).forEach((x, k) => {
    if (a.wants(x)) a.add(x, back.carry[k]);
  });
  pick(n.xs, wantedXs).forEach((x, k) => {
    a.add(x, back.ys[k]);
  });
  pick(n.consts, wantedConsts).forEach((x, k) => {
    a.add(x, back.carry[carryCount + k]);
  });
}
