/** The functions that kernels call, as text: what is named, and what that needs in turn. */
import { exponentialLibrary, OPAQUE_CONSTANTS } from "./library-exp.js";
import { randomLibrary } from "./library-random.js";
import { specialLibrary } from "./library-special.js";

const library: ReadonlyMap<string, string> = new Map(
  Object.entries({ ...exponentialLibrary, ...specialLibrary, ...randomLibrary }),
);

/** Library functions that are called in a text. */
function calledIn(text: string): string[] {
  return [...text.matchAll(/\b([a-z_][a-z_0-9]*)\(/g)]
    .map((m) => m[1])
    .filter((f) => library.has(f));
}

/** The text of every library function that `code` calls, directly or not. */
export function libraryFor(code: string): string {
  const found = new Set<string>();
  const open = calledIn(code);
  while (open.length > 0) {
    const name = open.pop() as string;
    if (found.has(name)) continue;
    found.add(name);
    const text = library.get(name) as string;
    open.push(...calledIn(text));
  }
  return [...library.keys()]
    .filter((name) => found.has(name))
    .map((name) => library.get(name))
    .join("\n");
}

/**
 * The uniform `params`, in order. `first` and `count` are the steps of a loop's call; `seed0`,
 * `seed1` and `run` key the random streams; `turn` is whose steps they are (or `BY_NUMBER`); the rest are constants that no compiler sees.
 */
export const PARAMS = [
  ["first", "u32"],
  ["count", "u32"],
  ["seed0", "u32"],
  ["seed1", "u32"],
  ["run", "u32"],
  ["turn", "u32"],
  ["inf_bits", "u32"],
  ["nan_bits", "u32"],
  ...Object.keys(OPAQUE_CONSTANTS).map((name) => [name, "f32"] as const),
] as const satisfies readonly (readonly [string, "u32" | "f32"])[];

/** What `params` holds of loops and random streams. */
export interface RunParams {
  readonly first: number;
  readonly count: number;
  /** Low and high 32 bits of the seed. */
  readonly seed0: number;
  readonly seed1: number;
  readonly run: number;
  readonly turn: number;
}
/** The value of `turn` where the steps' numbers say whose they are. */
export const BY_NUMBER = 0xffffffff;

/** The bytes of `params`. */
export function paramsData(run: RunParams): Uint32Array {
  const floats = Object.values(OPAQUE_CONSTANTS);
  const words = new Uint32Array(PARAMS.length);
  const { first, count, seed0, seed1, turn } = run;
  words.set([first, count, seed0, seed1, run.run, turn, 0x7f800000, 0x7fc00000]);
  words.set(new Uint32Array(Float32Array.from(floats).buffer), PARAMS.length - floats.length);
  return words;
}
