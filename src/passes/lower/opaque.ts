/** Tasks that bring their own loops: matrix operations, cumulative sums and scans. */
import { internalError } from "../../base/internal.js";
import * as k from "../../kernel/build.js";
import type { Stmt } from "../../kernel/ir.js";
import type { CumulativeNode, Node } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import {
  type ArrayRef,
  arrayIn,
  arrayOf,
  denseArray,
  loopsOver,
  matrixAt,
  store,
} from "./arrays.js";
import type { ProductPrecision } from "./context.js";
import type { RegionEmitter } from "./emit-loops.js";
import { foldOf } from "./folds.js";
import { type Affine, variableIndex, zeroIndex } from "./index-maps.js";
import { emitCholesky, emitLogAbsDet, emitSolve, emitTriangularSolve } from "./linalg.js";
import { emitMatmul } from "./matmul.js";
import { emitScan } from "./scan.js";

/** Writes the code that computes a root with loops of its own. */
export function emitOpaque(region: RegionEmitter, node: Node): void {
  const { context } = region;
  const result = (): ArrayRef => {
    const storage = region.values.storageOf(node);
    // Loops that never run for one element still name the local.
    if (storage.kind === "local") region.values.code.push(k.set(storage.local, k.f64(0)));
    return arrayIn(storage, node.shape);
  };
  const work = (size: number): ArrayRef => denseArray([size, size], region.take(size * size));
  const array = (x: Node): ArrayRef => arrayOf(region, x);
  switch (node.op) {
    case "matmul": {
      const [x, y, out] = [array(node.x), array(node.y), result()];
      const scratch = (length: number, element?: ProductPrecision): string =>
        region.take(length, 0, element);
      eachMatrix(region, node.shape.slice(0, -2), (batch, code) => {
        emitMatmul(
          context,
          code,
          matrixAt(x, batch),
          matrixAt(y, batch),
          matrixAt(out, batch),
          scratch,
        );
      });
      return;
    }
    case "cholesky": {
      const [a, l] = [array(node.x), result()];
      eachMatrix(region, node.shape.slice(0, -2), (batch, code) => {
        emitCholesky(context, code, matrixAt(a, batch), matrixAt(l, batch));
      });
      return;
    }
    case "triangular_solve": {
      const [l, b, x] = [array(node.l), array(node.b), result()];
      eachMatrix(region, node.shape.slice(0, -2), (batch, code) => {
        const at = (m: ArrayRef): ArrayRef => matrixAt(m, batch);
        emitTriangularSolve(context, code, at(l), at(b), at(x), node.transposed);
      });
      return;
    }
    case "solve": {
      const [a, b, x] = [array(node.a), array(node.b), result()];
      const copy = work(node.a.shape[node.a.shape.length - 1]);
      eachMatrix(region, node.shape.slice(0, -2), (batch, code) => {
        const at = (m: ArrayRef): ArrayRef => matrixAt(m, batch);
        emitSolve(context, code, at(a), at(b), at(x), copy);
      });
      return;
    }
    case "log_abs_det": {
      const [a, out] = [array(node.x), result()];
      const copy = work(node.x.shape[node.x.shape.length - 1]);
      eachMatrix(region, node.shape, (batch, code) => {
        code.push(store(out, batch, emitLogAbsDet(context, code, matrixAt(a, batch), copy)));
      });
      return;
    }
    case "reduce":
    case "scatter_add": {
      // Of an operand without elements.
      const start = k.f64(foldOf(node).start);
      const out = result();
      loopsOver(context, region.values.code, node.shape, (at, code) => {
        code.push(store(out, at, start));
      });
      return;
    }
    case "cumulative":
      emitCumulative(region, node, result());
      return;
    case "scan":
      emitScan(region, node);
      return;
    default:
      internalError(`${node.op} has no loops of its own`);
      return;
  }
}

/** Code for each matrix of a batch. */
function eachMatrix(
  region: RegionEmitter,
  batch: readonly number[],
  body: (at: readonly Affine[], code: Stmt[]) => void,
): void {
  // Matrices of a batch share scratch memory: they are taken in order.
  loopsOver(region.context, region.values.code, batch, body, { parallel: false });
}

/** Running sums or products along an axis; the operand is computed in passing. */
function emitCumulative(region: RegionEmitter, node: CumulativeNode, out: ArrayRef): void {
  const { values } = region;
  const start = k.f64(node.fn === "sum" ? 0 : 1);
  const at: Affine[] = node.shape.map(() => zeroIndex);
  const running = region.context.local("running");
  const nest = (axis: number): void => {
    if (axis === node.axis) {
      nest(axis + 1);
      return;
    }
    if (axis >= node.shape.length) {
      values.code.push(k.set(running, start));
      loop(node.axis, () => {
        const x = values.value(node.x, at);
        const sum = node.fn === "sum" ? k.add(k.get(running), x) : k.mul(k.get(running), x);
        if (node.exclusive) values.code.push(store(out, at, k.get(running)));
        values.code.push(k.set(running, sum));
        if (!node.exclusive) values.code.push(store(out, at, k.get(running)));
      });
      return;
    }
    loop(axis, () => nest(axis + 1));
  };
  const loop = (axis: number, body: () => void): void => {
    const extent = node.shape[axis];
    if (extent === 1) {
      body();
      return;
    }
    const index = region.context.local("i", "i32").name;
    const depth = values.depth + 1;
    const inner = values.inScope(() => {
      const id = region.context.variableId();
      at[axis] = variableIndex({ id, expr: k.index(index), depth, extent });
      body();
    });
    const down = node.reverse && axis === node.axis;
    const [from, to] = down ? [extent - 1, -1] : [0, extent];
    const step = down ? -1 : 1;
    values.code.push({ kind: "for", index, from: k.i32(from), to: k.i32(to), step, body: inner });
  };
  if (sizeOf(node.shape) > 0) nest(0);
}
