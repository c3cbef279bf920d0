/**
 * The kernel IR: typed buffers, scalar locals, loops, branches and calls. What WebAssembly (and
 * later WGSL) is printed from, and what sequential samplers are written in. Structured and
 * explicit: no aliasing between buffers, no pointers, indices count elements.
 */

export type ScalarType = "f64" | "i32" | "i64";

/**
 * What a buffer holds. An f32 is read as the f64 of equal value, and what is stored is rounded to
 * the nearest.
 */
export type Element = "f64" | "f32" | "i32";

/**
 * `constant` buffers hold data known at compile time, shared by every chain; `workspace` buffers
 * belong to one chain (an instance). Those of f32 are workspace.
 */
export interface Buffer {
  readonly name: string;
  readonly element: Element;
  readonly length: number;
  readonly region: "constant" | "workspace";
  /** Of constant buffers, and optionally the initial value of workspace ones. */
  readonly data?: Float64Array | Int32Array;
}

export interface Local {
  readonly name: string;
  readonly type: ScalarType;
}

/** Arithmetic that maps to instructions. Comparisons give i32 0 or 1. i32 and i64 are signed. */
export type UnaryInstr = "neg" | "abs" | "sqrt" | "floor" | "ceil" | "trunc" | "nearest" | "eqz";
export type BinaryInstr =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "rem"
  | "min"
  | "max"
  | "copysign"
  | "and"
  | "or"
  | "xor"
  | "shl"
  | "shr_s"
  | "shr_u"
  | "rotl"
  | "eq"
  | "ne"
  | "lt"
  | "le"
  | "gt"
  | "ge"
  | "lt_u";
/** `from → to`; `reinterpret` keeps bits (f64 ↔ i64), `u32` widens an i32 to i64 without sign. */
export type Conversion =
  | "f64_from_i32"
  | "f64_from_i64"
  | "f64_from_u32"
  | "i32_from_f64" // truncates, saturating; NaN gives 0
  | "i64_from_f64"
  | "i64_from_i32"
  | "i64_from_u32"
  | "i32_from_i64"
  | "i64_bits"
  | "f64_bits"
  | "f64_via_f32"; // rounded to the nearest f32

export type Expr =
  | { readonly kind: "const"; readonly type: ScalarType; readonly value: number | bigint }
  | { readonly kind: "local"; readonly type: ScalarType; readonly name: string }
  | {
      readonly kind: "load";
      readonly type: ScalarType;
      readonly buffer: string;
      readonly index: Expr;
    }
  | {
      readonly kind: "unary";
      readonly type: ScalarType;
      readonly fn: UnaryInstr;
      readonly x: Expr;
    }
  | {
      readonly kind: "binary";
      readonly type: ScalarType;
      readonly fn: BinaryInstr;
      readonly x: Expr;
      readonly y: Expr;
      /**
       * Of an f64 sum `x + a · b`: it may be rounded once, where the machine has an instruction for
       * it. The result then differs in its last bits between machines, not between runs on one.
       */
      readonly fused?: true;
    }
  | {
      readonly kind: "select";
      readonly type: ScalarType;
      readonly condition: Expr;
      readonly then: Expr;
      readonly else: Expr;
    }
  | {
      readonly kind: "convert";
      readonly type: ScalarType;
      readonly fn: Conversion;
      readonly x: Expr;
    }
  /** A function of the module, or of the math library (`exp`, `log`, `lgamma`, …), by name. */
  | {
      readonly kind: "call";
      readonly type: ScalarType;
      readonly fn: string;
      readonly args: readonly Expr[];
    };

export type Stmt =
  /** Assigns a local; the first assignment in a function declares it. */
  | { readonly kind: "set"; readonly local: Local; readonly value: Expr }
  | {
      readonly kind: "store";
      readonly buffer: string;
      readonly index: Expr;
      readonly value: Expr;
    }
  /**
   * `for index in from..to step`: i32. A `parallel` loop promises that iterations are independent
   * but for accumulations of the form `a = a ⊕ e` (⊕ one of add, min, max) on f64 locals listed in
   * `reductions`: those may be reordered, so the loop may run as SIMD lanes. Iterations of a
   * `concurrent` loop may run on several threads at the same time: none stores what another reads
   * or stores, and locals that the body assigns are not read after it.
   */
  | {
      readonly kind: "for";
      readonly index: string;
      readonly from: Expr;
      readonly to: Expr;
      readonly step: number;
      readonly body: readonly Stmt[];
      readonly parallel?: { readonly reductions: readonly Reduction[] };
      readonly concurrent?: true;
    }
  | Tile
  | { readonly kind: "while"; readonly condition: Expr; readonly body: readonly Stmt[] }
  | {
      readonly kind: "if";
      readonly condition: Expr;
      readonly then: readonly Stmt[];
      readonly else: readonly Stmt[];
    }
  /** A call for effect; with `result` its value is assigned. */
  | {
      readonly kind: "call";
      readonly fn: string;
      readonly args: readonly Expr[];
      readonly result?: Local;
    }
  | { readonly kind: "return"; readonly value?: Expr };
/**
 * The inner loop of a blocked product of matrices: for each r < `rows` and c < `width`
 *
 *     out[at + r·row + c] (+)= Σ_{t < steps} left[at + r·row + t·step] · right[at + t·columns + c],
 *
 * added to what is there where `onto` is not 0. Both factors are f64, or both f32. Sums of f64 run
 * over t in order from what is there, and each term may be rounded once with its product; sums of
 * f32 are rounded to f32 on their way, and added in f64 to what is there. The right factor has
 * `columns` numbers a step, of which the last may be there to fill it up.
 */
export interface Tile {
  readonly kind: "tile";
  readonly rows: number;
  /** 4 of f64, 8 of f32: two vectors. */
  readonly columns: number;
  readonly width: number;
  readonly steps: Expr;
  readonly left: {
    readonly buffer: string;
    readonly at: Expr;
    readonly row: number;
    readonly step: number;
  };
  readonly right: { readonly buffer: string; readonly at: Expr };
  readonly out: { readonly buffer: string; readonly at: Expr; readonly row: number };
  /** i32 */
  readonly onto: Expr;
  /** The elements of both factors. */
  readonly of: "f64" | "f32";
}

export interface Reduction {
  readonly local: string;
  readonly fn: "add" | "min" | "max";
}

export interface KernelFunction {
  readonly name: string;
  readonly params: readonly Local[];
  readonly result?: ScalarType;
  readonly body: readonly Stmt[];
  /** Callable from the host. */
  readonly exported: boolean;
}

export interface KernelModule {
  readonly buffers: readonly Buffer[];
  readonly functions: readonly KernelFunction[];
}
