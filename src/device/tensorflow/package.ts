/**
 * Loads TensorFlow: the npm package `@tensorflow/tfjs-node-gpu` or `@tensorflow/tfjs-node`, on first
 * use. Of it, only the native addon is loaded: it runs whole graphs, in double precision too, which
 * the tensors of TensorFlow.js do not have, and TensorFlow.js itself would take longer to load.
 */
import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fail } from "../../base/diagnostic.js";
import type { Precision } from "../contract.js";

/** What a run of a graph gives: a tensor's number in the addon. */
export interface TensorInfo {
  readonly id: number;
}

/** The part of the addon that is used. */
export interface TensorFlowAddon {
  readonly TF_Version: string;
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_INT64: number;
  isUsingGpuDevice(): boolean;
  /** Shares the array's memory. An int64 has two numbers of an Int32Array. */
  createTensor(shape: readonly number[], type: number, data: Float32Array | Int32Array): number;
  tensorDataSync(id: number): Float32Array | Int32Array | BigInt64Array;
  deleteTensor(id: number): void;
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(model: number): void;
  runSavedModel(
    model: number,
    inputs: readonly number[],
    inputNames: string,
    outputNames: string,
  ): readonly TensorInfo[];
}

export interface LoadedPackage {
  readonly name: string;
  readonly addon: TensorFlowAddon;
}

/** In the order in which they are tried. */
export const packageNames = ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"] as const;
/** Names a folder whose `node_modules` has one of the packages, where the usual place has none. */
export const FOLDER_VARIABLE = "TILDE_TENSORFLOW";

/**
 * Loads the first package's addon that is there, from `folder` (default: the environment's
 * `TILDE_TENSORFLOW`) or from where this program is installed.
 * @throws TildeError `tensorflow_missing`
 */
export function loadPackage(
  precision: Precision,
  folder = process.env[FOLDER_VARIABLE],
): LoadedPackage {
  const from = folder === undefined ? import.meta.url : `${folder}/package.json`;
  const require = createRequire(from);
  const reasons: string[] = [];
  for (const name of packageNames) {
    try {
      const lib = join(dirname(require.resolve(`${name}/package.json`)), "lib");
      const file = addonIn(lib);
      if (file === undefined) {
        reasons.push(`${name} has no native addon in ${lib} (npm rebuild ${name} makes it)`);
        continue;
      }
      quieter(precision);
      return { name, addon: require(file) as TensorFlowAddon };
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      reasons.push(`${name}: ${text.split("\n")[0]}`);
    }
  }
  return fail("tensorflow_missing", undefined, { reason: reasons.join("; ") });
}

/** The addon for the latest version of Node's interface that this Node has. */
function addonIn(lib: string): string | undefined {
  const newest = Number(process.versions.napi);
  const versions = (existsSync(lib) ? readdirSync(lib) : [])
    .map((folder) => Number(/^napi-v(\d+)$/.exec(folder)?.[1] ?? Number.NaN))
    .filter((v) => v <= newest)
    .sort((a, b) => b - a);
  return versions
    .map((v) => join(lib, `napi-v${v}`, "tfjs_binding.node"))
    .find((file) => existsSync(file));
}

/**
 * TensorFlow's log of what it finds on its way goes to stderr: errors alone, unless asked. The
 * oneDNN library has nothing for f64, and tells at any level that it is there.
 */
function quieter(precision: Precision): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
  // Cards of compute capability 8 and above multiply f32 with 10 bits of fraction unless told.
  process.env.NVIDIA_TF32_OVERRIDE ??= "0";
  if (precision === "f64") process.env.TF_ENABLE_ONEDNN_OPTS ??= "0";
}
