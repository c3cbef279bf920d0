/** What a place in a generated model can read: values with their element's domain and sizes. */
import type { Choices } from "./choices.js";

/** A size as the text writes it, with its value in the data. */
export interface Dim {
  readonly text: string;
  readonly size: number;
}

/** Where the elements of a value lie. `index` are whole numbers below `top`. */
export type Domain =
  | "real"
  | "positive"
  | "unit"
  | "count"
  | "bool"
  | "index"
  // Of the last axis, or the last two.
  | "simplex"
  | "ordered"
  | "cov"
  | "corr"
  | "cholesky";

export interface Value {
  readonly text: string;
  readonly domain: Domain;
  readonly dims: readonly Dim[];
  /** Of `index`: how many values there are. */
  readonly top?: Dim;
  /** Follows from inputs and loop variables alone. */
  readonly known: boolean;
}

export interface Loop {
  readonly name: string;
  readonly dim: Dim;
}

/** A place: what stands above it and the loops around it. */
export interface Scope {
  readonly values: readonly Value[];
  readonly loops: readonly Loop[];
  /** Sizes that vectors may have here. */
  readonly dims: readonly Dim[];
  /** Functions of the file, with the domains of their arguments. */
  readonly functions: readonly FunctionOf[];
  /** Just what is known before a run may be read. */
  readonly onlyKnown: boolean;
}

export interface FunctionOf {
  readonly name: string;
  readonly args: readonly ("real" | "positive" | "vector")[];
  readonly result: "real" | "positive" | "vector";
}

export const wholeDomains: ReadonlySet<Domain> = new Set([
  "simplex",
  "ordered",
  "cov",
  "corr",
  "cholesky",
]);

export function within(scope: Scope, loop: Loop): Scope {
  return { ...scope, loops: [...scope.loops, loop] };
}

export function sameDim(a: Dim, b: Dim): boolean {
  return a.text === b.text;
}

/** What may be read at this place. */
export function readable(scope: Scope): readonly Value[] {
  return scope.onlyKnown ? scope.values.filter((v) => v.known) : scope.values;
}

/** A position along a dimension as text; undefined where nothing is inside. */
export function position(c: Choices, scope: Scope, dim: Dim, depth = 1): string | undefined {
  if (dim.size === 0) return scope.loops.find((l) => sameDim(l.dim, dim))?.name;
  const loops = scope.loops.filter((l) => sameDim(l.dim, dim)).map((l) => l.name);
  const labels = readable(scope).filter(
    (v) => v.domain === "index" && v.top !== undefined && sameDim(v.top, dim),
  );
  const ways: (readonly [number, () => string | undefined])[] = [
    [loops.length > 0 ? 6 : 0, () => c.pick(loops)],
    [labels.length > 0 && depth > 0 ? 3 : 0, () => element(c, scope, c.pick(labels), depth - 1)],
    [1, () => String(c.below(dim.size))],
    [/^\w+$/.test(dim.text) && !/^\d/.test(dim.text) ? 0.5 : 0, () => `${dim.text} - 1`],
  ];
  return c.weighted(ways)();
}

/** One element of a value as text, with positions for all of its dimensions but the last `keep`. */
export function element(
  c: Choices,
  scope: Scope,
  value: Value,
  depth = 1,
  keep = 0,
): string | undefined {
  const at: string[] = [];
  for (const dim of value.dims.slice(0, value.dims.length - keep)) {
    const one = position(c, scope, dim, depth);
    if (one === undefined) return undefined;
    at.push(one);
  }
  return at.length === 0 ? value.text : `${value.text}[${at.join(", ")}]`;
}
