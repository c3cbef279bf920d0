/**
 * What a card cares for in the kernels of the benchmarks, from their texts alone: dispatches of a step,
 * and of each kernel its workgroups, its reads of numbers and of vectors of four, its stores and its
 * barriers, each by how many loops they are in. Needs no device:
 *
 *     node dist/scripts/bench-gpu/count.js [--size tiny|middle] [--scalar] [--no-subgroups]
 */
import { parseArgs } from "node:util";
import type { GraphDevice, LoopProgram, LoopSpec } from "../../src/device/contract.js";
import { outputOfTurns, turnsOf } from "../../src/device/turns.js";
import {
  graphKernels,
  type KernelText,
  printLoop,
  type Tuning,
} from "../../src/device/webgpu/index.js";
import type { Graph } from "../../src/tensor/ops.js";
import { sizeOf } from "../../src/tensor/shape-rules.js";
import { mixtureLines } from "./mixtures.js";
import { chainLines, kernelLines, learningLines } from "./programs.js";
import { sizes } from "./sizes.js";

/** Counts at each depth of loops; 0 is what a thread or workgroup does once an item. */
export interface KernelCounts {
  readonly label: string;
  readonly groups: number;
  /** Reads of one number, and of four. */
  readonly numbers: readonly number[];
  readonly vectors: readonly number[];
  readonly stores: readonly number[];
  readonly barriers: readonly number[];
  readonly subgroups: readonly number[];
}

const PATTERNS = {
  numbers: /(?<!fn )\b(?:data_at|ws_at)\(|\bws\[/g,
  vectors: /(?<!fn )\bdata4_at\(/g,
  stores: /\bws\[.*\] = /g,
  barriers: /\b(?:workgroup|storage)Barrier\(\)/g,
  subgroups: /\bsubgroup[A-Z]\w*\(/g,
} as const;

/** Reads the text of a kernel that the device's code generator wrote. */
export function countsOf({ label, groups, code }: KernelText): KernelCounts {
  const isVector = code.includes("ws: array<vec4<f32>>");
  const counts = { numbers: [0], vectors: [0], stores: [0], barriers: [0], subgroups: [0] };
  const add = (what: keyof typeof counts, depth: number, count: number): void => {
    while (counts[what].length <= depth) counts[what].push(0);
    counts[what][depth] += count;
  };
  // What follows results one by one is written as functions before `main`.
  const own = code.slice(code.search(/^(?:fn each_0|@compute)/m));
  /** Of each open brace, whether it is a loop's. */
  const open: boolean[] = [];
  for (const line of own.split("\n")) {
    const isLoop = line.startsWith("for (");
    // The loop over a kernel's items is no loop of an item.
    const isOuter = /^for \(var (?:item|group) =/.test(line);
    const depth = open.filter((o) => o).length + (isLoop && !isOuter && line.endsWith("}") ? 1 : 0);
    const found = (pattern: RegExp): number => [...line.matchAll(pattern)].length;
    const stores = found(PATTERNS.stores);
    add("stores", depth, stores);
    const reads = found(PATTERNS.numbers) - stores;
    const whole = isVector ? [...line.matchAll(/\bws\[/g)].length - stores : 0;
    add("numbers", depth, reads - whole);
    add("vectors", depth, found(PATTERNS.vectors) + whole);
    add("barriers", depth, found(PATTERNS.barriers));
    add("subgroups", depth, found(PATTERNS.subgroups));
    for (const brace of line.matchAll(/[{}]/g)) {
      if (brace[0] === "}") open.pop();
      else open.push(isLoop && !isOuter);
    }
  }
  return { label, groups, ...counts };
}

/** A device that writes kernels and runs none: every result is 1. */
function recorder(
  tuning: Tuning,
  found: (name: string, kernels: readonly KernelText[]) => void,
): GraphDevice {
  const ones = (length: number): Float64Array => new Float64Array(length).fill(1);
  return {
    name: "webgpu",
    precision: "f32",
    room: 1 << 24,
    description: "kernels as text",
    details: {},
    compileGraph: (graph: Graph) => {
      found("a graph", graphKernels(graph, tuning));
      const run = async () =>
        Object.fromEntries(graph.outputs.map((o) => [o.name, ones(sizeOf(o.node.shape))]));
      return Promise.resolve({ run, close: () => undefined });
    },
    compileLoop: (spec: LoopSpec) => {
      found("a step", printLoop(spec, tuning));
      const turns = turnsOf(spec);
      const program: LoopProgram = {
        set: () => undefined,
        seed: () => undefined,
        rewind: () => undefined,
        orders: async () => [],
        steps: async (_, count) =>
          Object.fromEntries(
            spec.trace.map((t) => [t, ones(count * sizeOf(outputOfTurns(turns, t).shape))]),
          ),
        read: async (names) =>
          Object.fromEntries(
            names.map((n) => {
              const node = turns.flatMap((t) => t.graph.inputs).find((i) => i.name === n);
              return [n, ones(node === undefined ? 1 : sizeOf(node.shape))];
            }),
          ),
        close: () => undefined,
      };
      return Promise.resolve(program);
    },
    close: () => undefined,
  };
}

const { values: flags } = parseArgs({
  options: {
    size: { type: "string", default: "middle" },
    scalar: { type: "boolean", default: false },
    "no-subgroups": { type: "boolean", default: false },
  },
});
const size = { ...sizes[flags.size as keyof typeof sizes], seconds: 0 };
const tuning: Tuning = {
  subgroups: !flags["no-subgroups"],
  vectorsFrom: flags.scalar ? Number.POSITIVE_INFINITY : 1 << 19,
};
const byDepth = (counts: readonly number[]): string =>
  counts.every((c) => c === 0) ? "-" : counts.join(" / ");
for (const part of [kernelLines, learningLines, chainLines, mixtureLines]) {
  const device = recorder(tuning, (what, kernels) => {
    console.log(`\n${what}: ${kernels.length} dispatches\n`);
    console.log(
      "| kernel | workgroups | numbers read | vectors read | stores | barriers | subgroups |",
    );
    console.log("|---|---|---|---|---|---|---|");
    for (const k of kernels.map(countsOf)) {
      const columns = [k.numbers, k.vectors, k.stores, k.barriers, k.subgroups].map(byDepth);
      console.log(`| ${k.label} | ${k.groups} | ${columns.join(" | ")} |`);
    }
  });
  for (const { name, measure } of part(device, size)) {
    console.log(`\n## ${name}`);
    // Results of 1 mean nothing to the host, which may give up once the kernels are written.
    await measure().catch((error: unknown) => {
      console.error(`${name}: ends with ${error instanceof Error ? error.message : error}`);
    });
  }
}
