/** Values that the data alone tell, as indices and conditions need them. */
import type { Axis, Context } from "./context.js";

/** A value that the data alone tell, over axes of the context `outer`. */
export interface HostValue {
  readonly data: Float64Array;
  readonly axes: readonly Axis[];
  readonly outer: Context;
}
