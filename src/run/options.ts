/** Options of `infer`, checked. */
import { fail } from "../base/diagnostic.js";
import { nearestNames } from "../base/nearest.js";
import { type DeviceChoice, deviceChoices } from "./device/choices.js";
import { checkedMethod, type Method, nuts, samplerOptionNames, shownValue } from "./methods.js";
import type { SessionProgress } from "./session.js";

export interface InferOptions {
  /** Inputs and observed sites by name: numbers, booleans, null for missing, (typed) arrays. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly method?: Method;
  /** A whole number; the same seed gives the same draws. Default 1. */
  readonly seed?: number;
  readonly threads?: number;
  /** Where the method's arithmetic is done; default `cpu`. See `deviceMethods`. */
  readonly device?: DeviceChoice;
  /**
   * Whether draws of components that can change places (of a mixture, say) are relabelled to one
   * labelling. Default true; false keeps them as the sampler made them.
   */
  readonly relabel?: boolean;
  /**
   * A folder for the fit, which is made where it does not exist. Draws of nuts, hmc and gibbs go
   * there as they come and stay there, so that memory does not grow with their number; see `resume`
   * and `loadFit`.
   */
  readonly out?: string;
  /** Aborting ends the run with the draws so far. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: SessionProgress) => void;
}

const wholeNumber = (least: number) => (v: unknown) =>
  Number.isSafeInteger(v) && (v as number) >= least
    ? undefined
    : `a whole number of at least ${least}`;

/** What each option must be, where the value given is not that. */
const checks: { readonly [K in keyof Required<InferOptions>]: (v: unknown) => string | undefined } =
  {
    data: (v) =>
      typeof v === "object" && v !== null && !Array.isArray(v) && !(v instanceof Map)
        ? undefined
        : "an object of names to values",
    // A method checks its own options.
    method: () => undefined,
    seed: wholeNumber(0),
    threads: wholeNumber(1),
    device: (v) =>
      deviceChoices.includes(v as DeviceChoice) ? undefined : `one of ${deviceChoices.join(", ")}`,
    out: (v) => (typeof v === "string" && v !== "" ? undefined : "the path of a folder"),
    relabel: (v) => (typeof v === "boolean" ? undefined : "true or false"),
    signal: (v) => (v instanceof AbortSignal ? undefined : "an AbortSignal"),
    onProgress: (v) => (typeof v === "function" ? undefined : "a function"),
  };

/** Options with what every run needs filled in. */
export type CheckedOptions = InferOptions & { readonly method: Method; readonly seed: number };

/** @throws TildeError that names the option and its value, for the first one that is wrong. */
export function checkOptions(options: InferOptions): CheckedOptions {
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(checks, option)) {
      // Options of the sampler are often put one level too high.
      const near = samplerOptionNames.includes(option)
        ? [`method: nuts({ ${option} })`]
        : nearestNames(option, Object.keys(checks));
      fail("unknown_option", undefined, { option, method: "`infer`", near });
    }
    const wanted = checks[option as keyof InferOptions](value);
    if (wanted === undefined) continue;
    fail("bad_option", undefined, { option: `\`${option}\``, value: shownValue(value), wanted });
  }
  const { method, seed } = options;
  return {
    ...options,
    method: method === undefined ? nuts() : checkedMethod(method),
    seed: seed ?? 1,
  };
}
