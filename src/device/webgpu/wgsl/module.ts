/** Whole WGSL modules around the texts of tasks. */
import { LANES, type SharedArray, stepName, type Task, withEach } from "../plan/context.js";
import { type Part, vectorPart } from "../plan/schedule.js";
import type { Region } from "../plan/storage.js";
import { MOST_LEVELS } from "../plan/storage.js";
import { chainText } from "./forward.js";
import { libraryFor, PARAMS } from "./library.js";

const PARAMS_TEXT = `struct Params {
${PARAMS.map(([name, type]) => `  ${name}: ${type},`).join("\n")}
}`;

/**
 * Arrays of a kernel. Either buffer of numbers is one of vectors of four where the kernel reads such:
 * a number is then a component. Only whole vectors are written, since writing a component may write
 * the others with what they were (WGSL, memory accesses of vector components), beside other threads.
 */
const headerText = (work: string, data: string): string => `${PARAMS_TEXT}
@group(0) @binding(0) var<storage, read_write> ws: array<${work}>;
@group(0) @binding(1) var<storage, read> data: array<${data}>;
@group(0) @binding(2) var<storage, read> idx: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;`;

/** Whole numbers that kernels write; in a kernel that says so, atomic ones. */
const wordsText = (isAtomic: boolean): string =>
  `@group(0) @binding(4) var<storage, read_write> words: array<${isAtomic ? "atomic<u32>" : "u32"}>;`;

/** Bindings before those of further pieces of `data`. */
export const FIXED_BINDINGS = 5;

/** How a program's kernels find its arrays. */
export interface Layout {
  /** First element of a region, −1 of a name that is none. */
  readonly placeOf: (name: string) => number;
  /** Pieces that `data` is cut into, and the numbers of each but the last. */
  readonly pieces: number;
  readonly pieceLength: number;
  /** Whether anything but a part reads a region; see `forward.ts`. */
  readonly isReadBeyond: (part: Part, region: Region) => boolean;
}
const NOWHERE: Layout = {
  placeOf: () => 0,
  pieces: 1,
  pieceLength: 0,
  isReadBeyond: () => true,
};

/** Bindings of further pieces of `data`, and the functions that read a number or a vector of it. */
function dataText(layout: Layout, isVector: boolean): string {
  const { pieces, pieceLength } = layout;
  const type = isVector ? "vec4<f32>" : "f32";
  const bindings = Array.from(
    { length: pieces - 1 },
    (_, k) =>
      `@group(0) @binding(${FIXED_BINDINGS + k}) var<storage, read> data${k + 1}: array<${type}>;`,
  );
  const from = (place: string): string =>
    isVector ? `[${place} / 4u][${place} % 4u]` : `[${place}]`;
  const functions = [readerText("data_at", "f32", layout.pieces, pieceLength, from)];
  if (isVector) {
    functions.push(readerText("data4_at", type, pieces, pieceLength / 4, (place) => `[${place}]`));
  }
  return [...bindings, ...functions].join("\n");
}

/** A function that finds the piece of a position. Pieces end where vectors do. */
function readerText(
  name: string,
  type: string,
  pieces: number,
  length: number,
  from: (place: string) => string,
): string {
  const lines = Array.from({ length: pieces }, (_, k) => {
    const value = k === 0 ? `data${from("at")}` : `data${k}${from(`(at - ${k * length}u)`)}`;
    const test = k === pieces - 1 ? "" : `if (at < ${(k + 1) * length}u) `;
    return test === "" ? `  return ${value};` : `  ${test}{ return ${value}; }`;
  });
  return `fn ${name}(at: u32) -> ${type} {\n${lines.join("\n")}\n}`;
}

/**
 * How a loop that the host records counts its steps. Its first kernel reads the next step's number
 * and makes it the present one, for all that follow; its last kernel counts on. Each word is read by
 * kernels that do not write it, so that no kernel is needed for counting alone.
 */
export type CounterRole = { readonly level: number; readonly role: "first" | "last" };

/** Workgroups of a part, of `most` that a kernel may have. */
function groupsOf(part: Part, most: number): number {
  if (part.kind === "solo") return 1;
  const [first] = part.tasks;
  const wanted = first.unit === "groups" ? first.count : Math.ceil(first.count / LANES);
  return Math.max(1, Math.min(wanted, most));
}

/** A kernel of one or several parts, and its number of workgroups. */
export function kernelModule(
  given: readonly Part[],
  layout: Layout,
  most: number,
  roles: readonly CounterRole[] = [],
): { readonly code: string; readonly groups: number } {
  const vectors = given.flatMap((part) => vectorPart(part) ?? []);
  const isVector = vectors.length === given.length;
  const parts = isVector ? vectors : given;
  const share = Math.floor(most / parts.length);
  const texts: string[] = [];
  const functions: string[] = [];
  let before = 0;
  for (const [k, part] of parts.entries()) {
    const groups = groupsOf(part, share);
    const isOnly = parts.length === 1;
    const first = isOnly || before === 0 ? "wid.x" : `(wid.x - ${before}u)`;
    const chain = (tasks: readonly Task[]): string =>
      chainText(tasks, isVector ? "vec4<f32>" : "f32", (r) => layout.isReadBeyond(given[k], r));
    const text = partText(part, first, isOnly ? "groups.x" : `${groups}u`, functions, chain);
    const isLast = part === parts[parts.length - 1];
    const test = isLast ? "" : `if (wid.x < ${before + groups}u) `;
    texts.push(isOnly ? text : `${test}{\n${text}\n}`);
    before += groups;
  }
  const shared = parts.flatMap((p) => p.tasks.flatMap((t) => t.shared));
  const body = texts.join(" else ");
  const code = moduleText(body, shared, layout, roles, functions.join("\n"), isVector);
  return { code, groups: before };
}

/** Code of a part. What it does with each result is added to `functions`. */
function partText(
  part: Part,
  first: string,
  groups: string,
  functions: string[],
  blocks: (tasks: readonly Task[]) => string,
): string {
  if (part.kind === "solo") return withEach(part.text, undefined);
  const [head, ...others] = part.tasks;
  const { unit, count } = head;
  if (unit === "threads") {
    const text = others.length === 0 ? head.text : blocks(part.tasks);
    return `for (var item = ${first} * ${LANES}u + lane; item < ${count}u; item += ${groups} * ${LANES}u) {\n${text}\n}`;
  }
  const name = others.length === 0 ? undefined : `each_${functions.length}`;
  if (name !== undefined) functions.push(`fn ${name}(item: u32) {\n${blocks(others)}\n}`);
  const text = withEach(head.text, name);
  return `for (var group = ${first}; group < ${count}u; group += ${groups}) {\n${text}\n}`;
}

/** Sets a loop's counter to 0, or moves it on. */
export function counterModule(level: number, what: "reset" | "next"): string {
  const next = MOST_LEVELS + level;
  const text =
    what === "reset"
      ? `words[${level}] = 0u;\nwords[${next}] = 0u;`
      : `words[${level}] = words[${level}] + 1u;`;
  return moduleText(`if (lane == 0u) {\n${text}\n}`, [], NOWHERE, []);
}

function moduleText(
  body: string,
  shared: readonly SharedArray[],
  layout: Layout,
  roles: readonly CounterRole[],
  functions = "",
  isVector = false,
): string {
  const { placeOf } = layout;
  const isAtomic = body.includes("atomic");
  const word = (k: number): string => (isAtomic ? `atomicLoad(&words[${k}])` : `words[${k}]`);
  const setWord = (k: number, value: string): string =>
    isAtomic ? `atomicStore(&words[${k}], ${value});` : `words[${k}] = ${value};`;
  const all = `${functions}\n${body}`;
  const regions = new Set([...all.matchAll(/\b[a-z]_at_\d+\b/g)].map((m) => m[0]));
  const places = [...regions].filter((name) => placeOf(name) >= 0);
  // Loops that the kernel does not run itself are counted in a buffer.
  const steps: string[] = [];
  for (let level = 0; level < MOST_LEVELS; level++) {
    const name = stepName(level);
    const isRun = body.includes(`for (var ${name} =`);
    const isFirst = roles.some((r) => r.level === level && r.role === "first");
    const at = isFirst ? MOST_LEVELS + level : level;
    if ((body.includes(name) && !isRun) || isFirst) steps.push(`let ${name} = ${word(at)};`);
  }
  for (const { level, role } of roles) {
    const text =
      role === "first"
        ? setWord(level, stepName(level))
        : setWord(MOST_LEVELS + level, `${word(level)} + 1u`);
    steps.push(`if (wid.x == 0u && lane == 0u) { ${text} }`);
  }
  const library = libraryFor(all);
  const readsVectors = all.includes("data4_at(");
  const parts = [
    /\bsubgroup[A-Z]/.test(all) ? "enable subgroups;" : "",
    headerText(isVector ? "vec4<f32>" : "f32", readsVectors ? "vec4<f32>" : "f32"),
    wordsText(isAtomic),
    places.map((name) => `const ${name} = ${placeOf(name)}u;`).join("\n"),
    [...new Map(shared.map((s) => [s.name, s])).values()]
      .map(({ name, type, length }) => `var<workgroup> ${name}: array<${type}, ${length}>;`)
      .join("\n"),
    all.includes("ws_at(") ? "fn ws_at(at: u32) -> f32 { return ws[at / 4u][at % 4u]; }" : "",
    readsVectors || library.includes("data_at(") || all.includes("data_at(")
      ? dataText(layout, readsVectors)
      : "",
    library,
    functions,
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
