/**
 * A fit as ArviZ's InferenceData in NetCDF-4, which is HDF5 with named dimensions: a group to each
 * of the groups, a dimension scale to each dimension.
 */
import { rmSync } from "node:fs";
import { fail } from "../../../base/diagnostic.js";
import { unwritable } from "../../storage/folder.js";
import type { FitData } from "../fit.js";
import { type Group, groupsOf } from "./groups.js";

/** The library, which is loaded when it is first needed. */
export type Hdf5 = typeof import("h5wasm/node");

/**
 * Writes the file.
 * @param load overrides how the library is found, in tests
 * @throws TildeError where the library is not installed or the file cannot be written
 */
export async function writeNetcdf(
  fit: FitData,
  path: string,
  names?: readonly string[],
  load: () => Promise<Hdf5> = () => import("h5wasm/node"),
): Promise<void> {
  let library: Hdf5;
  try {
    library = await load();
  } catch {
    return fail("format_needs_library", undefined, { format: "netcdf", library: "h5wasm" });
  }
  const { default: hdf5 } = library;
  await hdf5.ready;
  const groups = groupsOf(fit, names);
  try {
    rmSync(path, { force: true });
    const file = new hdf5.File(path, "w");
    try {
      for (const [key, value] of Object.entries(attributesOf(fit)))
        file.create_attribute(key, value);
      for (const group of groups) writeGroup(file.create_group(group.name), group, fit);
    } finally {
      file.close();
    }
  } catch (error) {
    unwritable(path, error);
  }
}

type Hdf5Group = InstanceType<Hdf5["default"]["Group"]>;

function attributesOf({ conditioned, method, seed }: FitData): Record<string, string> {
  return {
    creation_library: "Tilde",
    inference_library: "tilde",
    model: conditioned.model.name,
    method,
    seed: String(seed),
  };
}

function writeGroup(into: Hdf5Group, { name, isDrawn, arrays }: Group, fit: FitData): void {
  for (const [key, value] of Object.entries(attributesOf(fit))) into.create_attribute(key, value);
  if (name === "posterior") {
    into.create_attribute("sampling_time", Float64Array.of(fit.timing.sampleSeconds), []);
    into.create_attribute("tuning_steps", Int32Array.of(fit.warmup), []);
  }
  const scales = new Set<string>();
  const scale = (dimension: string, length: number): string => {
    if (!scales.has(dimension)) {
      const data = Int32Array.from({ length }, (_, i) => i);
      const made = into.create_dataset({ name: dimension, data, shape: [length] });
      made.make_scale(dimension);
      made.create_attribute("_Netcdf4Dimid", Int32Array.of(scales.size), []);
      scales.add(dimension);
    }
    return `${into.path}/${dimension}`;
  };
  // Dimensions first: readers number them in this order.
  const lengths = arrays.map(({ name: own, shape }) => {
    const names = shape.map((_, axis) => {
      if (isDrawn && axis < 2) return axis === 0 ? "chain" : "draw";
      return `${own}_dim_${axis - (isDrawn ? 2 : 0)}`;
    });
    return names.map((dimension, axis) => scale(dimension, shape[axis]));
  });
  for (const [k, { name: own, shape, scalar, values }] of arrays.entries()) {
    const found = values();
    const data = typed(found, scalar);
    const made = into.create_dataset({ name: own, data, shape: [...shape] });
    // The convention of xarray: NetCDF has no truth values.
    if (data instanceof Int8Array) made.create_attribute("dtype", "bool");
    for (const [axis, path] of lengths[k].entries()) made.attach_scale(axis, path);
  }
}

/** Whole numbers as such, where they all are some. */
function typed(
  data: Float64Array,
  scalar: "real" | "int" | "bool",
): Float64Array | Int32Array | Int8Array {
  if (scalar === "real") return data;
  const [low, high] = [-(2 ** 31), 2 ** 31 - 1];
  if (!data.every((x) => Number.isInteger(x) && x >= low && x <= high)) return data;
  return scalar === "bool" ? Int8Array.from(data) : Int32Array.from(data);
}
