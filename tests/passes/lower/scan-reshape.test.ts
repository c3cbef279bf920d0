/** A scan that reads its transposed inputs under another shape. */
import { expect, test } from "vitest";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { evaluateGraph } from "../../../src/tensor/evaluate.js";
import type { Node } from "../../../src/tensor/ops.js";
import { compileGraph, graphOf } from "./harness.js";

test.each([true, false])("reshape of a transposed scan input, const %s", (isConst) => {
  const g = new GraphBuilder();
  const a = g.input("a", isConst ? [2, 3] : [4, 2, 3]);
  const t = g.transpose(a, isConst ? [1, 0] : [0, 2, 1]);
  const loop = g.scan(
    { length: 4, init: [g.input("c", [6])], ...(isConst ? { consts: [t] } : { xs: [t] }) },
    (b, [k]: readonly Node[], xs: readonly Node[], cs: readonly Node[]) => ({
      carry: [b.add(b.sin(k), b.reshape(isConst ? cs[0] : xs[0], [6]))],
      ys: [],
    }),
  );
  const graph = graphOf([loop.carry[0]]);
  const values = {
    a: Float64Array.from({ length: isConst ? 6 : 24 }, (_, i) => i + 1),
    c: new Float64Array(6),
  };
  const want = evaluateGraph(graph, values)["0"],
    got = compileGraph(graph).run(values)["0"];
  want.forEach((x, i) => {
    expect(got[i]).toBeCloseTo(x, 12);
  });
});
