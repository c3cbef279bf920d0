/** What one lowered function has once: names of locals, the constants, the scratch memory. */

import { get, set } from "../../kernel/build.js";
import type { Expr, Local, ScalarType, Stmt } from "../../kernel/ir.js";
import type { Affine } from "./index-maps.js";
import type { ConstantPool } from "./memory.js";
import { ScratchPlan } from "./memory.js";

/** Where a root or an input lives. `strides` are those of its axes, in elements. */
export type Storage =
  | { readonly kind: "local"; readonly local: Local }
  | {
      readonly kind: "buffer";
      readonly buffer: string;
      readonly offset: Affine;
      readonly strides: readonly number[];
    }
  /** One block of the loop at hand, by the index within the block. */
  | { readonly kind: "block"; readonly buffer: string };

/** In what precision large products of matrices multiply and sum (see `gemm.ts`). */
export type ProductPrecision = "f64" | "f32";

/** Which loops are cut into chunks that threads can share, in elements. */
export interface Sharing {
  /** Loops over fewer are not worth waking anyone. */
  readonly least: number;
  /** Of a chunk: some microseconds at least. */
  readonly chunk: number;
}
export const SHARING: Sharing = { least: 2 ** 15, chunk: 2 ** 13 };

export class FunctionContext {
  readonly constants: ConstantPool;
  readonly products: ProductPrecision;
  readonly sharing: Sharing;
  readonly scratch: ScratchPlan;
  #nextName = 0;
  #nextVariable = 0;

  constructor(
    constants: ConstantPool,
    products: ProductPrecision = "f64",
    sharing: Sharing = SHARING,
  ) {
    this.constants = constants;
    this.products = products;
    this.sharing = sharing;
    this.scratch = new ScratchPlan(constants);
  }

  local(hint: string, type: ScalarType = "f64"): Local {
    return { name: `${hint}${this.#nextName++}`, type };
  }

  variableId(): number {
    return this.#nextVariable++;
  }

  /** Sets a new local to the value, in `code`. */
  bind(code: Stmt[], hint: string, value: Expr): Expr {
    const local = this.local(hint, value.type);
    code.push(set(local, value));
    return get(local);
  }
}
