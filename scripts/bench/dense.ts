/**
 * Dense products: the compiled kernel against the time of its arithmetic alone, two lanes wide, one
 * multiplication and one addition a cycle; the core's clock is measured in the same run. (WebAssembly
 * has no wider registers and no fused multiply-add; a native library on AVX-512 has four times that.)
 */
import { compileKernels, createMemory, instantiate } from "../../src/device/cpu/compile.js";
import * as k from "../../src/kernel/build.js";
import type { KernelModule, Stmt } from "../../src/kernel/ir.js";
import { ConstantPool, lowerGraph } from "../../src/passes/lower/index.js";
import { GraphBuilder } from "../../src/tensor/builder.js";
import { type Figure, interleaved, ratioFigure } from "./figures.js";

interface Product {
  readonly m: number;
  readonly inner: number;
  readonly n: number;
  /** Which factor is read transposed. */
  readonly transposed?: "x" | "y";
}

function productOf({ m, inner, n, transposed }: Product): () => void {
  const g = new GraphBuilder();
  const x = g.input("x", transposed === "x" ? [inner, m] : [m, inner]);
  const y = g.input("y", transposed === "y" ? [n, inner] : [inner, n]);
  const left = transposed === "x" ? g.transpose(x, [1, 0]) : x;
  const right = transposed === "y" ? g.transpose(y, [1, 0]) : y;
  const node = g.matmul(left, right);
  const constants = new ConstantPool();
  const lowered = lowerGraph(
    { inputs: [x, y], outputs: [{ name: "out", node }] },
    { name: "product", inputs: { x: "x", y: "y" }, outputs: { out: "out" }, constants },
  );
  const buffer = (name: string, length: number) =>
    ({ name, element: "f64", length, region: "workspace" }) as const;
  const module: KernelModule = {
    functions: lowered.functions,
    buffers: [
      buffer("x", m * inner),
      buffer("y", inner * n),
      buffer("out", m * n),
      ...lowered.buffers,
    ],
  };
  const program = compileKernels(module);
  const instance = instantiate(program, createMemory(program, 1), 0);
  instance.f64("x").forEach((_, i, a) => {
    a[i] = Math.sin(i);
  });
  instance.f64("y").forEach((_, i, a) => {
    a[i] = Math.cos(i);
  });
  const run = instance.fn("product");
  return () => void run();
}

/**
 * As many cycles as `pairs` multiplications and additions take at two lanes an instruction and one
 * of each a cycle: a chain of integer
 * operations that wait for each other, four cycles a link (or: 1, multiply: 3).
 */
function peakOf(pairs: number): () => void {
  const x = { name: "x", type: "i32" } as const;
  const once = k.set(x, k.mul(k.get(x), k.binary("or", k.get(x), k.index("r"))));
  const unrolled: Stmt[] = new Array<Stmt>(8).fill(once);
  const cycles = pairs / 2;
  const rounds = cycles / (4 * unrolled.length);
  const module: KernelModule = {
    buffers: [{ name: "a", element: "i32", length: 1, region: "workspace" }],
    functions: [
      {
        name: "peak",
        params: [],
        exported: true,
        body: [
          k.set(x, k.load("a", k.i32(0), "i32")),
          k.loop("r", k.i32(0), k.i32(rounds), unrolled),
          k.store("a", k.i32(0), k.get(x)),
        ],
      },
    ],
  };
  const program = compileKernels(module);
  const instance = instantiate(program, createMemory(program, 1), 0);
  const run = instance.fn("peak");
  return () => void run();
}

const cases: readonly (Product & { readonly name: string })[] = [
  { name: "512³", m: 512, inner: 512, n: 512 },
  { name: "512³, right factor transposed", m: 512, inner: 512, n: 512, transposed: "y" },
  { name: "512³, left factor transposed", m: 512, inner: 512, n: 512, transposed: "x" },
  { name: "100 000×65 · 65×10", m: 100_000, inner: 65, n: 10 },
  { name: "10×100 000 · 100 000×65", m: 10, inner: 100_000, n: 65, transposed: "x" },
  { name: "128×784 · 784×400", m: 128, inner: 784, n: 400 },
];

export function denseFigures(): Figure[] {
  return cases.map((c) => {
    const work = c.m * c.inner * c.n;
    const pair = interleaved(productOf(c), peakOf(Math.ceil(work / 64) * 64), {
      pairs: 9,
      calls: 1,
      warmUpMs: 300,
    });
    return ratioFigure(`dense product ${c.name}, against a core's two-lane peak`, pair, 2);
  });
}
