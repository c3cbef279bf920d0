/** Tensor graphs as text, one node a line, for `--dump` and for goldens. */
import type { Graph, Node, NodeOf, Op } from "./ops.js";
import { operandsOf, topological } from "./traverse.js";

const SHOWN_VALUES = 6;

/** What each op prints between its name and its operands. */
const attributeRules: { readonly [K in Op]: (n: NodeOf<K>) => string } = {
  const: (n) => constantText(n.data),
  input: (n) => n.name,
  unary: (n) => n.fn,
  binary: (n) => n.fn,
  ternary: (n) => n.fn,
  broadcast: (n) => `axes=${list(n.axes)}`,
  reshape: () => "",
  transpose: (n) => `perm=${list(n.perm)}`,
  slice: (n) => `starts=${list(n.starts)}`,
  pad: (n) => `starts=${list(n.starts)}`,
  concat: (n) => `axis=${n.axis}`,
  gather: (n) => `axis=${n.axis}`,
  scatter_add: (n) => `axis=${n.axis}`,
  reduce: (n) => `${n.fn} axes=${list(n.axes)}`,
  cumulative: (n) =>
    `${n.fn} axis=${n.axis}${n.reverse ? " reverse" : ""}${n.exclusive ? " exclusive" : ""}`,
  matmul: () => "",
  cholesky: () => "",
  triangular_solve: (n) => (n.transposed ? "transposed" : ""),
  solve: () => "",
  log_abs_det: () => "",
  scan: (n) =>
    `length=${n.length}${n.reverse ? " reverse" : ""} init=${n.init.length} xs=${n.xs.length}`,
  output: (n) => `index=${n.index}`,
};

/** Ops whose function's name says all. */
const elementwise: ReadonlySet<Op> = new Set<Op>(["unary", "binary", "ternary"]);
const dtypeText = { real: "", int: "int ", bool: "bool " } as const;

/** The graph, nodes numbered in the order of the text; scan bodies are indented. */
export function printGraph(graph: Graph): string {
  const names = new Map<Node, string>();
  const nodes = graph.outputs.map((o) => o.node);
  // Unused inputs are part of the program's signature.
  const order = topological([...graph.inputs, ...nodes]);
  const lines = body(order, names, "%", "");
  for (const o of graph.outputs) lines.push(`return ${o.name} = ${names.get(o.node)}`);
  return `${lines.join("\n")}\n`;
}

/** What the nodes depend on, as `printGraph` prints it, without names of outputs. */
export function printNodes(outputs: readonly Node[]): string {
  const names = new Map<Node, string>();
  const lines = body(topological(outputs), names, "%", "");
  lines.push(`return ${outputs.map((o) => names.get(o)).join(", ")}`);
  return `${lines.join("\n")}\n`;
}

function body(
  order: readonly Node[],
  names: Map<Node, string>,
  prefix: string,
  indent: string,
): string[] {
  const lines: string[] = [];
  order.forEach((n, k) => {
    const name = `${prefix}${k}`;
    names.set(n, name);
    lines.push(`${indent}${name} = ${describe(n, names)}`);
    if (n.op === "scan") lines.push(...scanBody(n, `${name}.`, `${indent}  `));
  });
  return lines;
}

function describe(n: Node, names: ReadonlyMap<Node, string>): string {
  // The entry at `n.op` takes exactly this member of the union.
  const attributes = (attributeRules[n.op] as (n: Node) => string)(n);
  const head = elementwise.has(n.op) ? attributes : `${n.op} ${attributes}`.trimEnd();
  const operands = operandsOf(n).map((x) => names.get(x));
  const type = `${dtypeText[n.dtype]}[${n.shape.join(", ")}]`;
  const label = n.origin === undefined ? "" : `  # ${n.origin.label}`;
  return `${[head, ...operands].join(" ")} : ${type}${label}`;
}

function scanBody(n: NodeOf<"scan">, prefix: string, indent: string): string[] {
  const { carry, slices, consts, nextCarry, ys } = n.body;
  const names = new Map<Node, string>();
  const inputs = [...carry, ...slices, ...consts];
  const lines = body(topological([...inputs, ...nextCarry, ...ys]), names, prefix, indent);
  const text = (nodes: readonly Node[]): string => nodes.map((x) => names.get(x)).join(", ");
  lines.push(`${indent}next ${text(nextCarry)}; ys ${text(ys)}`);
  return lines;
}

function list(xs: readonly number[]): string {
  return `(${xs.join(",")})`;
}

function constantText(data: Float64Array): string {
  const shown = [...data.subarray(0, SHOWN_VALUES)].map((v) => String(Number(v.toPrecision(6))));
  const more = data.length > SHOWN_VALUES ? `, … ${data.length} values` : "";
  return `{${shown.join(", ")}${more}}`;
}
