/** Every op and every function on the device against the f64 evaluator. */
import type { GraphDevice } from "../../src/device/contract.js";
import { GraphBuilder } from "../../src/tensor/builder.js";
import { evaluateGraph } from "../../src/tensor/evaluate.js";
import {
  binaryFns,
  type Graph,
  type Node,
  type Op,
  ternaryFns,
  unaryFns,
} from "../../src/tensor/ops.js";
import { sizeOf } from "../../src/tensor/shape-rules.js";
import { inputsOf } from "../../src/tensor/transform.js";

export interface Check {
  readonly name: string;
  /** Largest |device − exact| / (1 + |exact|). */
  readonly error: number;
  readonly passed: boolean;
}

/** Single precision with a few roundings in each of a hundred terms; double precision the same. */
const TOLERANCE = { f32: 1e-4, f64: 1e-9 } as const;

type Make = (g: GraphBuilder) => readonly Node[];
/** Inputs named `p…` are positive, `u…` in (0.1, 0.9), `i…` whole numbers 0 … 2, `m…` definite. */
const cases: { readonly [K in Exclude<Op, "input" | "unary" | "binary" | "ternary">]: Make } = {
  const: (g) => [g.add(g.constant([1, 2, 3], [3]), g.input("x", [3]))],
  broadcast: (g) => [g.broadcast(g.input("x", [30]), [20, 30, 4], [1])],
  reshape: (g) => [g.reshape(g.input("x", [20, 30]), [30, 4, 5])],
  transpose: (g) => [g.transpose(g.input("x", [20, 30, 4]), [2, 0, 1])],
  slice: (g) => [g.slice(g.input("x", [40, 30]), [7, 3], [20, 20])],
  pad: (g) => [g.pad(g.input("x", [20, 20]), [7, 3], [40, 30])],
  concat: (g) => [g.concat([g.input("x", [20, 3]), g.input("y", [20, 5])], 1)],
  gather: (g) => [g.gather(g.input("x", [3, 50]), g.input("i", [40], "int"), 0)],
  scatter_add: (g) => [g.scatterAdd(g.input("x", [40, 5]), g.input("i", [40], "int"), 0, [3, 5])],
  reduce: (g) => [
    g.sum(g.input("x", [100_000])),
    g.reduce("max", g.input("y", [30, 40, 5]), [0, 2]),
    g.reduce("prod", g.input("u", [12, 7]), [0]),
    g.reduce("min", g.input("z", [300, 4]), [0]),
  ],
  cumulative: (g) => [g.cumulative("sum", g.input("x", [30, 200]), 1, { exclusive: true })],
  matmul: (g) => [
    g.matmul(g.input("x", [130, 70]), g.input("y", [70, 90])),
    g.matmul(g.input("a", [6, 20, 30]), g.input("b", [6, 30, 9])),
    g.matvec(g.input("c", [500, 40]), g.input("d", [40])),
  ],
  cholesky: (g) => [g.cholesky(g.input("m", [5, 12, 12]))],
  triangular_solve: (g) => [
    g.triangularSolve(g.cholesky(g.input("m", [12, 12])), g.input("x", [12, 7])),
    g.triangularSolve(g.cholesky(g.input("m2", [12, 12])), g.input("y", [12, 7]), true),
  ],
  solve: (g) => [g.solve(g.input("m", [9, 9]), g.input("x", [9, 4]))],
  log_abs_det: (g) => [g.logAbsDet(g.input("m", [5, 9, 9]))],
  scan: (g) => {
    const { carry, ys } = g.scan(
      { length: 40, init: [g.input("c", [6])], xs: [g.input("x", [40, 6])], reverse: true },
      (b, [c], [x]) => ({ carry: [b.tanh(b.add(b.mul(c, 0.5), x))], ys: [b.mul(c, x)] }),
    );
    return [...carry, ...ys];
  },
  output: (g) => [
    g.scan({ length: 9, init: [g.input("x", [4])] }, (b, [c]) => ({
      carry: [b.mul(c, 1.01)],
      ys: [],
    })).carry[0],
  ],
};

const firstIsPositive: ReadonlySet<string> = new Set(["pow", "gamma_p", "gamma_p_da"]);

function allCases(): [string, Make][] {
  const n = [500];
  return [
    ...Object.entries(cases),
    ...unaryFns.map((fn): [string, Make] => [fn, (g) => [g.unary(fn, g.input(domainOf(fn), n))]]),
    ...binaryFns.map((fn): [string, Make] => [
      fn,
      (g) => [g.binary(fn, g.input(firstIsPositive.has(fn) ? "p" : "x", n), g.input("py", n))],
    ]),
    ...ternaryFns.map((fn): [string, Make] => [
      fn,
      (g) => [
        fn === "select"
          ? g.select(g.lt(g.input("x", n), 0), g.input("y", n), g.input("z", n))
          : g.ternary(fn, g.input("p", n), g.input("py", n), g.input("u", n)),
      ],
    ]),
  ];
}

/** Where a function is asked: its whole line, positive numbers, or (0, 1). */
function domainOf(fn: string): string {
  if (["asin", "acos", "atanh", "ndtri"].includes(fn)) return "u";
  if (fn === "acosh") return "above";
  if (fn === "log1mexp") return "below";
  return ["log", "log1p", "sqrt", "lgamma", "digamma", "trigamma", "reciprocal"].includes(fn)
    ? "p"
    : "x";
}

function valueAt(name: string, k: number, shape: readonly number[]): number {
  const wave = Math.sin(1.7 * k + name.length);
  if (name.startsWith("i")) return Math.floor(1.5 + 1.49 * wave);
  if (name.startsWith("u")) return 0.5 + 0.4 * wave;
  if (name.startsWith("p")) return 1.6 + 1.5 * wave;
  if (name.startsWith("above")) return 3 + 1.9 * wave;
  if (name.startsWith("below")) return -3 + 2.9 * wave;
  if (!name.startsWith("m")) return 2 * wave;
  // Diagonally dominant and symmetric.
  const d = shape[shape.length - 1];
  const [row, column] = [Math.floor(k / d) % d, k % d];
  return row === column ? d : Math.cos(row + column);
}

/** All checks, one after the other. */
export async function checkOps(device: GraphDevice): Promise<readonly Check[]> {
  const checks: Check[] = [];
  for (const [name, make] of allCases()) {
    const outputs = make(new GraphBuilder());
    const graph: Graph = {
      inputs: inputsOf(outputs),
      outputs: outputs.map((node, k) => ({ name: String(k), node })),
    };
    const inputs = Object.fromEntries(
      graph.inputs.map((n) => {
        const values = Float64Array.from({ length: sizeOf(n.shape) }, (_, k) =>
          Math.fround(valueAt(n.name, k, n.shape)),
        );
        return [n.name, values];
      }),
    );
    const program = await device.compileGraph(graph);
    const found = await program.run(inputs);
    program.close();
    const exact = evaluateGraph(graph, inputs);
    let error = 0;
    for (const key of Object.keys(exact)) {
      exact[key].forEach((v, k) => {
        const off = Math.abs(found[key][k] - v) / (1 + Math.abs(v));
        error = Math.max(off, error);
      });
    }
    checks.push({ name, error, passed: error < TOLERANCE[device.precision] });
  }
  return checks;
}
