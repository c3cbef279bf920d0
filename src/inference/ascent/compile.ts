/**
 * Kernels of an expected joint: its parts that read no discrete site, the expected log tables, the
 * expected counts of the discrete sites, and for each site the natural parameters of its optimal
 * factor, which are the gradient of E log p in the site's expected statistics (Hoffman, Johnson &
 * Tran 2018, section 3).
 */
import type { Buffer, KernelModule } from "../../kernel/ir.js";
import { gradient } from "../../passes/grad/index.js";
import { ConstantPool, type Lowered, lowerGraph } from "../../passes/lower/index.js";
import { SimplifyingBuilder, simplify } from "../../passes/simplify/index.js";
import { GraphBuilder } from "../../tensor/builder.js";
import type { Graph, InputNode, Node } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import { substitute } from "../../tensor/transform.js";
import { topological } from "../../tensor/traverse.js";
import type { ExpectedJoint, ExpectedSite } from "../expectation/contract.js";
import type { DiscreteSite, SumPlan } from "../logjoint/discrete/index.js";
import { elementsOf, logSum, type Pattern, patternsOf, sitesRead } from "./patterns.js";

/** Names of buffers and functions. */
export const names = {
  /** Expected statistic j of site k, or the values of a point (j = 0). */
  statistic: (k: number, j: number): string => `stat_${k}_${j}`,
  natural: (k: number, j: number): string => `natural_${k}_${j}`,
  update: (k: number): string => `natural_${k}`,
  pointGradient: (k: number): string => `gradient_${k}`,
  table: (p: number): string => `table_${p}`,
  counts: (p: number): string => `counts_${p}`,
  marginals: (s: number): string => `marginals_${s}`,
} as const;

export interface AscentKernels {
  readonly module: KernelModule;
  readonly patterns: readonly Pattern[];
  readonly discrete: readonly DiscreteSite[];
  /** How the discrete sites are summed, where there are any. */
  readonly sum?: SumPlan;
}

export interface CompileOptions {
  /** Sites that are points and whose gradient is wanted (indices into `joint.sites`). */
  readonly pointGradients?: readonly number[];
}

/** The inputs of a site: its statistics', or the one of a point. */
export function inputsOf(site: ExpectedSite): readonly InputNode[] {
  return site.kind === "point" ? [site.input] : site.statistics.map((s) => s.input);
}

/** @throws TildeError where the sum over the discrete sites is too large */
export function compileAscent(joint: ExpectedJoint, options: CompileOptions = {}): AscentKernels {
  const { g } = joint;
  const patterns = patternsOf(joint);
  const discrete = sitesRead(joint);
  const pool = new ConstantPool();
  const parts: Lowered[] = [];
  const buffers: Buffer[] = [];
  const inputs: Record<string, string> = {};
  const nodes: InputNode[] = [];
  joint.sites.forEach((site, k) => {
    inputsOf(site).forEach((input, j) => {
      inputs[input.name] = names.statistic(k, j);
      nodes.push(input);
      buffers.push(workspace(names.statistic(k, j), sizeOf(input.shape)));
    });
  });
  const counts = patterns.map((p, k) => {
    const input = g.input(names.counts(k), p.table.shape);
    inputs[names.counts(k)] = names.counts(k);
    nodes.push(input);
    buffers.push(workspace(names.counts(k), sizeOf(p.table.shape)));
    return input;
  });
  const add = (name: string, graph: Graph, outputs: readonly string[], result?: string): void => {
    const own = Object.fromEntries(outputs.map((o) => [o, o]));
    const known = new Set(buffers.map((b) => b.name));
    for (const o of graph.outputs) {
      if (!outputs.includes(o.name) || known.has(o.name)) continue;
      buffers.push(workspace(o.name, sizeOf(o.node.shape)));
    }
    parts.push(lowerGraph(graph, { name, result, inputs, outputs: own, constants: pool }));
  };

  const total = joint.terms.reduce<Node>((sum, t) => g.add(sum, t), g.constant(0));
  const terms = simplify({ inputs: nodes, outputs: [{ name: "value", node: total }] });
  add("terms", terms, [], "value");

  const reach = new Map<Node, Set<Node>>();
  const reaches = (node: Node, wanted: readonly InputNode[]): boolean => {
    const all = reach.get(node) ?? new Set(topological([node]).filter((n) => n.op === "input"));
    reach.set(node, all);
    return wanted.some((n) => all.has(n));
  };
  /** The gradients of the parts of E log p that depend on some inputs, in those. */
  const slopes = (wanted: readonly InputNode[], outputs: readonly string[]): Graph => {
    const own = joint.terms.filter((t) => reaches(t, wanted));
    const weighted = patterns.flatMap((p, k) =>
      reaches(p.table, wanted) ? [g.sum(g.mul(counts[k], p.table))] : [],
    );
    const sum = [...own, ...weighted].reduce<Node>((n, t) => g.add(n, t), g.constant(0));
    const before = simplify({ inputs: nodes, outputs: [{ name: "value", node: sum }] });
    const fresh = new SimplifyingBuilder();
    const copied = before.inputs.map((n) => fresh.input(n.name, n.shape, n.dtype));
    const [value] = substitute(fresh, [before.outputs[0].node], new Map());
    const at = wanted.map((n) => fresh.requireInput(n.name));
    const found = gradient(fresh, value, at);
    return simplify({
      inputs: copied,
      outputs: found.map((node, j) => ({ name: outputs[j], node })),
    });
  };
  joint.sites.forEach((site, k) => {
    const wanted = inputsOf(site);
    if (site.kind === "statistics") {
      if (wanted.length === 0) return;
      const outputs = wanted.map((_, j) => names.natural(k, j));
      add(names.update(k), slopes(wanted, outputs), outputs);
    } else if (options.pointGradients?.includes(k) === true) {
      const name = names.pointGradient(k);
      add(name, slopes(wanted, [name]), [name]);
    }
  });

  let sum: SumPlan | undefined;
  if (patterns.length > 0) {
    const outputs = patterns.map((p, k) => ({ name: names.table(k), node: p.table }));
    const tables = simplify({ inputs: nodes, outputs });
    const own = outputs.map((o) => o.name);
    add("tables", tables, own);
    for (const name of own) inputs[name] = name;
    const made = expectedCounts(patterns, discrete);
    sum = made.plan;
    add(
      "discrete",
      simplify(made.counts),
      patterns.map((_, k) => names.counts(k)),
      "log_sum",
    );
    add(
      "marginals",
      simplify(made.marginals),
      discrete.map((_, s) => names.marginals(s)),
    );
  }
  const module = {
    buffers: [...buffers, ...pool.buffers(), ...pool.scratchBuffers()],
    functions: parts.flatMap((p) => p.functions),
  };
  return { module, patterns, discrete, sum };
}

/** Expected counts of every table, and the marginals of every element, from the tables. */
export function expectedCounts(
  patterns: readonly Pattern[],
  discrete: readonly DiscreteSite[],
): { readonly counts: Graph; readonly marginals: Graph; readonly plan: SumPlan } {
  const g = new GraphBuilder();
  const tables = patterns.map((p, k) => g.input(names.table(k), p.table.shape));
  const { total, plan } = logSum(g, discrete, patterns, tables);
  const counts = gradient(g, total, tables).map((node, k) => ({ name: names.counts(k), node }));
  const h = new GraphBuilder();
  const same = patterns.map((p, k) => h.input(names.table(k), p.table.shape));
  // The gradient in log weights of 0: added as nodes that no simplification takes away before.
  const unary = discrete.map((s, k) => h.input(`unary_${k}`, [elementsOf(s), s.count]));
  const whole = logSum(h, discrete, patterns, same, unary);
  const found = gradient(h, whole.total, unary);
  const zero = new SimplifyingBuilder();
  const inputs = same.map((n) => zero.input(n.name, n.shape));
  const nodes = substitute(zero, found, new Map(unary.map((n) => [n, zero.zeros(n.shape)])));
  return {
    counts: { inputs: tables, outputs: [...counts, { name: "log_sum", node: total }] },
    marginals: {
      inputs,
      outputs: nodes.map((node, s) => ({ name: names.marginals(s), node })),
    },
    plan,
  };
}

export function workspace(name: string, length: number): Buffer {
  return { name, element: "f64", length, region: "workspace" };
}
