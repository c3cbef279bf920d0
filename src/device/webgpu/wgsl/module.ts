/** Whole WGSL modules around the texts of tasks. */
import { LANES, stepName, type Task } from "../plan/context.js";
import { MOST_LEVELS } from "../plan/storage.js";
import { libraryFor, PARAMS } from "./library.js";

const HEADER = `struct Params {
${PARAMS.map(([name, type]) => `  ${name}: ${type},`).join("\n")}
}
@group(0) @binding(0) var<storage, read_write> ws: array<f32>;
@group(0) @binding(1) var<storage, read> data: array<f32>;
@group(0) @binding(2) var<storage, read> idx: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;
@group(0) @binding(4) var<storage, read_write> words: array<u32>;`;

/** Bindings before those of further pieces of `data`. */
export const FIXED_BINDINGS = 5;

/** How a program's kernels find its arrays. */
export interface Layout {
  /** First element of a region, −1 of a name that is none. */
  readonly placeOf: (name: string) => number;
  /** Pieces that `data` is cut into, and the numbers of each but the last. */
  readonly pieces: number;
  readonly pieceLength: number;
}
const NOWHERE: Layout = { placeOf: () => 0, pieces: 1, pieceLength: 0 };

/** Bindings of further pieces of `data`, and the function that reads a number of it. */
function dataText({ pieces, pieceLength }: Layout): string {
  const further = Array.from({ length: pieces - 1 }, (_, k) => k + 1);
  const bindings = further.map(
    (k) => `@group(0) @binding(${FIXED_BINDINGS + k - 1}) var<storage, read> data${k}: array<f32>;`,
  );
  const tests = further.map((k) => {
    const from = k === 1 ? "data[at]" : `data${k - 1}[at - ${(k - 1) * pieceLength}u]`;
    return `  if (at < ${k * pieceLength}u) { return ${from}; }`;
  });
  const last = pieces === 1 ? "data[at]" : `data${pieces - 1}[at - ${(pieces - 1) * pieceLength}u]`;
  return [
    ...bindings,
    `fn data_at(at: u32) -> f32 {\n${[...tests, `  return ${last};`].join("\n")}\n}`,
  ].join("\n");
}

/** A kernel of many workgroups for one task. */
export function wideModule(task: Task, layout: Layout): string {
  const { count, text } = task;
  const loop =
    task.unit === "groups"
      ? `for (var group = wid.x; group < ${count}u; group += groups.x) {\n${text}\n}`
      : `for (var item = wid.x * ${LANES}u + lane; item < ${count}u; item += groups.x * ${LANES}u) {\n${text}\n}`;
  return moduleText(loop, task.shared, layout);
}

/** Workgroups of a wide kernel. */
export function groupsOf(task: Task, most: number): number {
  const wanted = task.unit === "groups" ? task.count : Math.ceil(task.count / LANES);
  return Math.min(wanted, most);
}

/** A kernel of one workgroup. */
export function soloModule(text: string, shared: readonly string[], layout: Layout): string {
  return moduleText(text, shared, layout);
}

/** Sets a loop's counter to 0, or moves it on. */
export function counterModule(level: number, what: "reset" | "next"): string {
  const value = what === "reset" ? "0u" : `words[${level}] + 1u`;
  return moduleText(`if (lane == 0u) { words[${level}] = ${value}; }`, [], NOWHERE);
}

function moduleText(body: string, shared: readonly string[], layout: Layout): string {
  const { placeOf } = layout;
  const regions = new Set([...body.matchAll(/\b[a-z]_at_\d+\b/g)].map((m) => m[0]));
  const places = [...regions].filter((name) => placeOf(name) >= 0);
  // Loops that the kernel does not run itself are counted in a buffer.
  const steps: string[] = [];
  for (let level = 0; level < MOST_LEVELS; level++) {
    const name = stepName(level);
    const isRun = body.includes(`for (var ${name} =`);
    if (body.includes(name) && !isRun) steps.push(`let ${name} = words[${level}];`);
  }
  const library = libraryFor(body);
  const parts = [
    HEADER,
    places.map((name) => `const ${name} = ${placeOf(name)}u;`).join("\n"),
    [...new Set(shared)].join("\n"),
    library.includes("data_at(") || body.includes("data_at(") ? dataText(layout) : "",
    library,
    `@compute @workgroup_size(${LANES})
fn main(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
${[...steps, body].join("\n")}
}`,
  ];
  return `${parts.filter((p) => p !== "").join("\n")}\n`;
}
