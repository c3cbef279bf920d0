/** Learned params as a tree of names, and back from one. */
import { readFile } from "node:fs/promises";
import { fail } from "../../base/diagnostic.js";
import { nearestNames } from "../../base/nearest.js";
import type { ParamSlot } from "../../inference/objective/index.js";
import type { DataSet, DataValue } from "../../model/data.js";
import { readObject } from "../data/values.js";
import type { ParamTree, ParamValue } from "../results/fit.js";
import { readReason } from "../sources.js";

/** `decode.layers.0.w` as a path; whole where another param stands on its way. */
function pathOf(slot: ParamSlot, slots: readonly ParamSlot[]): readonly string[] {
  const isBlocked = slots.some((s) => slot.name.startsWith(`${s.name}.`));
  return isBlocked ? [slot.name] : slot.name.split(".");
}

/** @param values of all slots, in their own coordinates */
export function paramTree(slots: readonly ParamSlot[], values: Float64Array): ParamTree {
  const root: Record<string, ParamTree | ParamValue> = {};
  for (const slot of slots) {
    const path = pathOf(slot, slots);
    let at = root;
    for (const part of path.slice(0, -1)) {
      at[part] ??= {};
      at = at[part] as Record<string, ParamTree | ParamValue>;
    }
    const own = values.subarray(slot.valueOffset, slot.valueOffset + slot.valueLength);
    at[path[path.length - 1]] = nested(own, slot.dims);
  }
  return root;
}

function nested(values: Float64Array, dims: readonly number[]): ParamValue {
  const [first, ...rest] = dims;
  if (first === undefined) return values[0];
  const size = values.length / Math.max(1, first);
  return Array.from({ length: first }, (_, k) =>
    nested(values.subarray(k * size, (k + 1) * size), rest),
  );
}

/**
 * Values to begin from by the slots' names: of a tree, or of the file that holds one. Params that it
 * leaves out begin where they would without it.
 * @throws TildeError for names and shapes that do not fit, and for files that cannot be read.
 */
export async function readParams(
  init: string | Readonly<Record<string, unknown>>,
  slots: readonly ParamSlot[],
): Promise<DataSet> {
  const tree = typeof init === "string" ? await readTree(init) : init;
  const byPath = new Map(slots.map((s) => [pathOf(s, slots).join("."), s]));
  const found = new Map<string, DataValue>();
  const visit = (node: unknown, path: string): void => {
    const slot = byPath.get(path);
    if (slot !== undefined) {
      found.set(slot.name, readLeaf(node, slot));
      return;
    }
    const isTree = typeof node === "object" && node !== null && !Array.isArray(node);
    if (isTree && !ArrayBuffer.isView(node)) {
      for (const [key, child] of Object.entries(node)) {
        visit(child, path === "" ? key : `${path}.${key}`);
      }
      return;
    }
    const known = [...byPath.keys()];
    fail("init_unknown", undefined, { name: path, known, near: nearestNames(path, known) });
  };
  visit(tree, "");
  return found;
}

function readLeaf(node: unknown, slot: ParamSlot): DataValue {
  const { values, problems } = readObject({ [slot.name]: node });
  const value = values.get(slot.name);
  const shape = (dims: readonly number[]): string =>
    dims.length === 0 ? "one number" : `an array of ${dims.join(" × ")}`;
  const wanted = shape(slot.dims);
  const [problem] = problems.values();
  if (value === undefined || problem !== undefined) {
    const found = problem === undefined ? "nothing" : `no array (${problem.message})`;
    return fail("init_shape", undefined, { name: slot.name, found, wanted });
  }
  const { dims } = value;
  if (dims.length !== slot.dims.length || dims.some((d, k) => d !== slot.dims[k])) {
    fail("init_shape", undefined, { name: slot.name, found: shape(dims), wanted });
  }
  return { dims: slot.dims, data: Float64Array.from(value.data) };
}

async function readTree(path: string): Promise<Readonly<Record<string, unknown>>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    return fail("file_unreadable", undefined, { path, reason: readReason(error) });
  }
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
  } catch (error) {
    const reason = `it is not JSON (${(error as Error).message})`;
    return fail("data_parse", undefined, { path, reason });
  }
  const reason = "the file does not hold an object of params";
  return fail("data_parse", undefined, { path, reason });
}
