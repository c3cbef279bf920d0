/**
 * Kernels are compiled without the guards that WebGPU has by default: workgroup memory is not set to
 * 0, places are not held against the lengths of arrays. Here their text is rewritten so that workgroup
 * memory begins as NaN and every place outside of its array is noted.
 */
import { afterAll, describe, expect, test } from "vitest";
import {
  compileGraph,
  SOFTWARE_TUNING,
  type Tuning,
  USUAL_TUNING,
  type WebGpuDevice,
} from "../../../src/device/webgpu/index.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { evaluateGraph } from "../../../src/tensor/evaluate.js";
import type { Graph, Node } from "../../../src/tensor/ops.js";
import { sizeOf } from "../../../src/tensor/shape-rules.js";
import { inputsOf } from "../../../src/tensor/transform.js";
import { randomProgram } from "../../passes/lower/random-program.js";
import { distance, seeded, uniform } from "../../tensor/random-graph.js";
import { deviceForTests } from "./harness.js";

/** A counter of loops that are not nested as deeply. */
const FLAG = 31;

/** The text with every place of an array looked at. */
function withBounds(code: string, arrays: readonly string[]): string {
  const pattern = new RegExp(`\\b(${arrays.join("|")})\\[`, "g");
  let out = "";
  let from = 0;
  for (let m = pattern.exec(code); m !== null; m = pattern.exec(code)) {
    const start = m.index + m[0].length;
    let end = start;
    for (let depth = 1; depth > 0; end++) {
      if (code[end] === "[") depth++;
      else if (code[end] === "]") depth--;
    }
    const place = withBounds(code.slice(start, end - 1), arrays);
    const array = m[1];
    const length = lengths.get(array) ?? `arrayLength(&${array})`;
    out += `${code.slice(from, m.index)}${array}[inside(${place}, ${length})]`;
    from = end;
    pattern.lastIndex = end;
  }
  return out + code.slice(from);
}
/** Of workgroup arrays. */
const lengths = new Map<string, string>();

function guarded(code: string): string {
  const shared = [...code.matchAll(/^var<workgroup> (\w+): array<(.*), (\d+)>;$/gm)];
  lengths.clear();
  for (const [, name, , length] of shared) lengths.set(name, `${length}u`);
  const pieces = [...code.matchAll(/\bvar<storage, read> (data\d*):/g)].map((m) => m[1]);
  const arrays = ["ws", "idx", "words", ...pieces, ...lengths.keys()];
  const start = code.indexOf(") {", code.indexOf("fn main(")) + 3;
  const fill = shared.map(
    ([, name, type, length]) =>
      `for (var q = lane; q < ${length}u; q += 256u) { ${name}[q] = ${type}(bitcast<f32>(params.nan_bits)); }\n`,
  );
  const first = fill.length === 0 ? "" : `${fill.join("")}workgroupBarrier();\n`;
  const flag = code.includes("array<atomic<u32>>")
    ? `atomicStore(&words[${FLAG}u], 1u);`
    : `words[${FLAG}u] = 1u;`;
  const own = withBounds(`${code.slice(0, start)}\n${first}${code.slice(start)}`, arrays);
  return `${own}
fn inside(at: u32, length: u32) -> u32 {
  if (at >= length) { ${flag} }
  return min(at, length - 1u);
}
`;
}

const device = await deviceForTests();
afterAll(() => device?.close());
const wordsOf = new Set<Parameters<WebGpuDevice["gpu"]["queue"]["writeBuffer"]>[0]>();
let rewritten = 0;
if (device !== undefined) {
  const { gpu } = device;
  const [module, bind] = [gpu.createShaderModule.bind(gpu), gpu.createBindGroup.bind(gpu)];
  gpu.createShaderModule = ({ code, ...rest }) => {
    rewritten++;
    return module({ ...rest, code: guarded(code) });
  };
  gpu.createBindGroup = (descriptor) => {
    const words = descriptor.entries.find((e) => e.binding === 4);
    if (words !== undefined) wordsOf.add(words.resource.buffer);
    return bind(descriptor);
  };
}

/** Whether a kernel was outside of an array since the last time. */
async function wasOutside(on: WebGpuDevice): Promise<boolean> {
  const { gpu } = on;
  let found = false;
  for (const words of wordsOf) {
    const staging = gpu.createBuffer({ size: 4, usage: 0x1 | 0x8 });
    const encoder = gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(words, 4 * FLAG, staging, 0, 4);
    gpu.queue.submit([encoder.finish()]);
    await staging.mapAsync(1);
    if (new Uint32Array(staging.getMappedRange())[0] !== 0) found = true;
    staging.unmap();
    staging.destroy();
    gpu.queue.writeBuffer(words, 4 * FLAG, Uint32Array.of(0));
  }
  wordsOf.clear();
  return found;
}

function graphOf(outputs: readonly Node[]): Graph {
  const inputs = inputsOf(outputs);
  return { inputs, outputs: outputs.map((node, k) => ({ name: String(k), node })) };
}

const card: Tuning = {
  ...USUAL_TUNING,
  subgroups: device?.features.includes("subgroups") === true,
};
const tunings = {
  software: SOFTWARE_TUNING,
  card,
  "card, vectors": { ...card, vectorsFrom: 1 },
} as const satisfies Readonly<Record<string, Tuning>>;

/** Products of every tiling and with parts, reductions of every shape, scatters and sums along axes. */
const cases: Readonly<Record<string, (g: GraphBuilder) => readonly Node[]>> = {
  products: (g) => {
    const x = g.input("x", [130, 70]);
    const long = g.input("l", [18, 1100]);
    return [
      g.matmul(x, g.input("y", [70, 90])),
      g.exp(g.matmul(g.input("a", [2, 20, 33]), g.input("b", [2, 33, 17]))),
      g.matmul(long, g.transpose(long)),
      g.matmul(g.input("c", [50, 40]), g.input("d", [40, 1])),
    ];
  },
  "large products": (g) => [g.matmul(g.input("x", [1500, 40]), g.input("y", [40, 1400]))],
  reductions: (g) => [
    g.sum(g.input("x", [70_001])),
    g.reduce("max", g.input("y", [3, 5001]), [1]),
    g.reduce("sum", g.input("z", [700, 37]), [0]),
    g.reduce("min", g.input("v", [60, 9, 50]), [0, 2]),
    g.reduce("sum", g.input("w", [9, 1201]), [0]),
  ],
  "scatters, running sums, factors": (g) => {
    const at = g.min(g.floor(g.mul(4, g.add(1, g.input("u", [90])))), 6);
    const square = g.input("s", [14, 14]);
    const eye = Float64Array.from({ length: 196 }, (_, k) => (k % 15 === 0 ? 14 : 0));
    const m = g.add(g.matmul(square, g.transpose(square)), g.constant(eye, [14, 14]));
    return [
      g.scatterAdd(g.input("x", [90, 2]), at, 0, [7, 2]),
      g.scatterAdd(g.input("y", [90]), at, 0, [200]),
      g.cumulative("sum", g.input("z", [6, 300]), 1),
      g.triangularSolve(g.cholesky(m), g.input("b", [14, 3])),
      g.solve(m, g.input("c", [14, 2])),
    ];
  },
};

describe.skipIf(device === undefined)("memory of kernels on WebGPU", () => {
  const on = device as WebGpuDevice;

  async function check(
    outputs: readonly Node[],
    tuning: Tuning,
    values?: Readonly<Record<string, Float64Array>>,
  ): Promise<void> {
    const graph = graphOf(outputs);
    const rand = seeded(5);
    const inputs =
      values ??
      Object.fromEntries(
        graph.inputs.map((n) => [n.name, uniform(rand, sizeOf(n.shape)).map(Math.fround)]),
      );
    const program = await compileGraph(on, graph, { tuning });
    const found = await program.run(inputs);
    expect(await wasOutside(on)).toBe(false);
    program.close();
    const exact = evaluateGraph(graph, inputs);
    for (const { name, node } of graph.outputs) {
      expect(distance(found[name], exact[name]), `${name}, ${node.op}`).toBeLessThan(1e-3);
    }
  }

  test("a place outside is noted", async () => {
    const before = rewritten;
    const g = new GraphBuilder();
    const program = await compileGraph(on, graphOf([g.exp(g.input("x", [4]))]));
    expect(rewritten).toBeGreaterThan(before);
    expect(guarded(program.kernels[0].code)).toContain("ws[inside(");
    await program.run({ x: [1, 2, 3, 4] });
    for (const words of wordsOf) on.gpu.queue.writeBuffer(words, 4 * FLAG, Uint32Array.of(1));
    expect(await wasOutside(on)).toBe(true);
    program.close();
  });

  const pairs = Object.entries(cases).flatMap(([name, build]) =>
    Object.entries(tunings).map(([kind, tuning]) => [name, kind, tuning, build] as const),
  );
  test.each(pairs)("%s, as %s", { timeout: 120_000 }, async (_, __, tuning, build) => {
    await check(build(new GraphBuilder()), tuning);
  });

  test("random programs", { timeout: 120_000 }, async () => {
    for (let seed = 0; seed < 4; seed++) {
      const { outputs, inputs } = randomProgram(seeded(4_000 + 7 * seed), 12 + 4 * seed);
      const values = Object.fromEntries(
        inputsOf(outputs).map(({ name }) => [name, Float64Array.from(inputs[name], Math.fround)]),
      );
      for (const tuning of [SOFTWARE_TUNING, { ...card, vectorsFrom: 1 }]) {
        await check(outputs, tuning, values);
      }
    }
  });
});
