/** Graphs in a session of TensorFlow: written as a SavedModel, loaded, and run in single calls. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { Shape } from "../../tensor/ops.js";
import { singles } from "../single.js";
import { encodeSavedModel, SERVE_TAG } from "./graph/encode.js";
import type { RealType } from "./graph/maths.js";
import type { TfGraph } from "./graph/types.js";
import type { TensorFlowAddon } from "./package.js";

/** What is on the way of a number from here to TensorFlow. The addon knows no doubles. */
export type WireType = "float" | "int64" | "int32";
export const wireOf = (real: RealType): WireType => (real === "double" ? "int64" : "float");

/** A value for a placeholder. */
export interface Feed {
  readonly name: string;
  readonly shape: Shape;
  readonly type: WireType;
  /** Of an int64 two numbers each, the low one first. */
  readonly data: Float32Array | Int32Array;
}

/** Real numbers as a feed's data. */
export function encodeReals(data: ArrayLike<number>, real: RealType): Float32Array | Int32Array {
  return real === "float" ? singles(data) : new Int32Array(Float64Array.from(data).buffer);
}

/** What `encodeReals` made, or TensorFlow sent back, as real numbers. */
function decodeReals(data: Float32Array | Int32Array | BigInt64Array): Float64Array {
  if (data instanceof Float32Array) return Float64Array.from(data);
  return new Float64Array(data.buffer, data.byteOffset, data.byteLength / 8);
}

/** Messages of TensorFlow that mean its memory does not do. */
const MEMORY =
  /OOM|out of memory|RESOURCE_EXHAUSTED|failed to allocate|bad_alloc|too many elements/i;

function firstLine(text: string): string {
  return text
    .replace(/^Session fail to run with error: /, "")
    .split("\n")[0]
    .trim();
}

/** Runs `work`; what TensorFlow says against it becomes a diagnostic. */
function guarded<T>(doing: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const code = MEMORY.test(text) ? "tensorflow_memory" : "tensorflow_failed";
    return fail(code, undefined, { doing, reason: firstLine(text) });
  }
}

/** A loaded graph. */
export class Session {
  readonly #addon: TensorFlowAddon;
  #model: number | undefined;

  /** @throws TildeError `tensorflow_memory`, `tensorflow_failed` */
  constructor(addon: TensorFlowAddon, graph: TfGraph) {
    this.#addon = addon;
    const folder = mkdtempSync(join(tmpdir(), "tilde-tensorflow-"));
    try {
      writeFileSync(join(folder, "saved_model.pb"), encodeSavedModel(graph));
      this.#model = guarded("loading a graph", () => addon.loadSavedModel(folder, SERVE_TAG));
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  /**
   * Feeds placeholders and computes nodes of these names (or `name:k`, a node's result k), which are
   * of a wire type, in one call.
   * @throws TildeError `tensorflow_memory`, `tensorflow_failed`
   */
  run(doing: string, feeds: readonly Feed[], outputs: readonly string[]): Float64Array[] {
    const model = this.#model ?? internalError("a closed TensorFlow program was used");
    const addon = this.#addon;
    return guarded(doing, () => {
      const types = { float: addon.TF_FLOAT, int32: addon.TF_INT32, int64: addon.TF_INT64 };
      const inputs = feeds.map((f) => addon.createTensor(f.shape, types[f.type], f.data));
      try {
        const names = feeds.map((f) => `${f.name}:0`).join(",");
        const results = addon.runSavedModel(model, inputs, names, outputs.map(first).join(","));
        return results.map(({ id }) => {
          const data = addon.tensorDataSync(id);
          addon.deleteTensor(id);
          return decodeReals(data);
        });
      } finally {
        for (const id of inputs) addon.deleteTensor(id);
      }
    });
  }

  /** Ends the session and frees its memory. */
  close(): void {
    if (this.#model === undefined) return;
    this.#addon.deleteSavedModel(this.#model);
    this.#model = undefined;
  }
}

/** A node's first result, where none is named. */
function first(name: string): string {
  return name.includes(":") ? name : `${name}:0`;
}
