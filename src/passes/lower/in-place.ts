/** Outputs that are joined of parts: large parts are made where they belong, not copied there. */
import type { ConcatNode, Node } from "../../tensor/ops.js";
import { sizeOf, stridesOf } from "../../tensor/shape-rules.js";
import type { Storage } from "./context.js";
import type { RegionEmitter } from "./emit-loops.js";
import { type Affine, shift } from "./index-maps.js";
import type { AccumulateTask } from "./plan.js";
import type { Keeping } from "./schedule.js";

/** Smaller parts of an output are copied. */
const LEAST_IN_PLACE = 256;

/** Gives parts of the outputs' buffers to what is made for them; nothing else may use the buffers. */
export function makeInPlace(
  region: RegionEmitter,
  fixed: ReadonlyMap<Node, Storage>,
  keepings: ReadonlyMap<Node, Keeping>,
): void {
  const { roots } = region.plan;
  const { storage } = region.values;
  const place = ({ xs }: ConcatNode, buffer: string, start: Affine): void => {
    let offset = start;
    for (const part of xs) {
      const here = offset;
      offset = shift(offset, part.shape[0]);
      if (part.op === "concat" && !roots.isRoot(part)) {
        place(part, buffer, here);
        continue;
      }
      const view = roots.viewOf(part);
      if (view === undefined || part.shape[0] < LEAST_IN_PLACE) continue;
      const { base } = view;
      const isDense = view.offset === 0 && view.strides[0] === 1;
      const isWhole = isDense && sizeOf(base.shape) === part.shape[0];
      const keeping = keepings.get(base);
      const isKept = keeping?.storage === "buffer" && keeping.contracted === 0;
      if (!isWhole || !isKept || !roots.isRoot(base) || base.op === "output") continue;
      if (fixed.has(base) || storage.has(base)) continue;
      storage.set(base, { kind: "buffer", buffer, offset: here, strides: stridesOf(base.shape) });
    }
  };
  for (const [output, home] of fixed) {
    if (output.op !== "concat" || output.shape.length !== 1 || home.kind !== "buffer") continue;
    place(output, home.buffer, home.offset);
  }
}

/** Whether each iteration of the innermost loop adds to an element of its own. */
export function endsInKeptAxis(root: AccumulateTask["root"]): boolean {
  if (root.op !== "reduce") return false;
  const innermost = root.x.shape.findLastIndex((extent) => extent !== 1);
  return !root.axes.includes(innermost);
}
