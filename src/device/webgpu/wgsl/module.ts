/** Whole WGSL modules around the texts of tasks. */
import { LANES, stepName, type Task } from "../plan/context.js";
import { libraryFor, PARAMS } from "./library.js";

const HEADER = `struct Params {
${PARAMS.map(([name, type]) => `  ${name}: ${type},`).join("\n")}
}
@group(0) @binding(0) var<storage, read_write> ws: array<f32>;
@group(0) @binding(1) var<storage, read> data: array<f32>;
@group(0) @binding(2) var<storage, read> idx: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;
@group(0) @binding(4) var<storage, read_write> counters: array<u32>;`;

/** A kernel of many workgroups for one task. */
export function wideModule(task: Task, placeOf: (name: string) => number): string {
  const { count, text } = task;
  const loop =
    task.unit === "groups"
      ? `for (var group = wid.x; group < ${count}u; group += groups.x) {\n${text}\n}`
      : `for (var item = wid.x * ${LANES}u + lane; item < ${count}u; item += groups.x * ${LANES}u) {\n${text}\n}`;
  return moduleText(loop, task.shared, placeOf);
}

/** Workgroups of a wide kernel. */
export function groupsOf(task: Task, most: number): number {
  const wanted = task.unit === "groups" ? task.count : Math.ceil(task.count / LANES);
  return Math.min(wanted, most);
}

/** A kernel of one workgroup. */
export function soloModule(
  text: string,
  shared: readonly string[],
  placeOf: (name: string) => number,
): string {
  return moduleText(text, shared, placeOf);
}

/** Sets a loop's counter to 0, or moves it on. */
export function counterModule(level: number, what: "reset" | "next"): string {
  const value = what === "reset" ? "0u" : `counters[${level}] + 1u`;
  return moduleText(`if (lane == 0u) { counters[${level}] = ${value}; }`, [], () => 0);
}

function moduleText(
  body: string,
  shared: readonly string[],
  placeOf: (name: string) => number,
): string {
  const regions = new Set([...body.matchAll(/\b[a-z]_at_\d+\b/g)].map((m) => m[0]));
  const places = [...regions].filter((name) => placeOf(name) >= 0);
  // Loops that the kernel does not run itself are counted in a buffer.
  const steps: string[] = [];
  for (let level = 0; level < MOST_LEVELS; level++) {
    const name = stepName(level);
    const isRun = body.includes(`for (var ${name} =`);
    if (body.includes(name) && !isRun) steps.push(`let ${name} = counters[${level}];`);
  }
  const parts = [
    HEADER,
    places.map((name) => `const ${name} = ${placeOf(name)}u;`).join("\n"),
    [...new Set(shared)].join("\n"),
    libraryFor(body),
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

/** Loops within loops, at most. */
export const MOST_LEVELS = 16;
