/**
 * Kernels of a direct joint: its density, and for each site the gradient given the others, or that
 * gradient at fixed reference points. There the site itself has left the graph, and what stays is
 * the computation of its sufficient statistics.
 */
import { internalError } from "../../base/internal.js";
import type { Buffer, KernelModule } from "../../kernel/ir.js";
import { collapse } from "../../passes/collapse/index.js";
import { gradient } from "../../passes/grad/index.js";
import { ConstantPool, type Lowered, lowerGraph } from "../../passes/lower/index.js";
import { SimplifyingBuilder, simplify } from "../../passes/simplify/index.js";
import type { Graph, InputNode, Node } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import { substitute } from "../../tensor/transform.js";
import { topological } from "../../tensor/traverse.js";
import type { KernelInstance } from "../contract.js";
import { type DirectJoint, STATES } from "../logjoint/direct.js";

/** Compiles kernels and makes one workspace of them; given by who knows the device. */
export type MakeInstance = (module: KernelModule) => KernelInstance;

/** What is wanted of a joint, each a function of the module. */
export interface Wanted {
  /** Sites by index: `grad_<k>`, output buffer of the same name. */
  readonly gradients: readonly number[];
  /** `stats_<k>`: the gradients at each reference value of the whole input, one after another. */
  readonly statistics: readonly { readonly site: number; readonly at: readonly Float64Array[] }[];
  /**
   * Several sites as one vector: function and output buffer `name` hold the gradients at the state,
   * or at each reference value of the vector, one after another.
   */
  readonly vectors: readonly {
    readonly name: string;
    readonly sites: readonly number[];
    readonly at?: readonly Float64Array[];
  }[];
  /** `density_<k>`: the terms of the log joint that depend on site k. */
  readonly densities: readonly number[];
  /** `tables`: the rows of every factor, output buffers `table_<f>`. */
  readonly tables: boolean;
  /** `values`: the constrained values of the free sites, output buffers `own_<k>`. */
  readonly values: boolean;
  /** `lp`: the log joint. */
  readonly lp: boolean;
}

export const inputBuffer = (k: number): string => `site_${k}`;

/** @param pool holds the module's constants, and those of other functions that were lowered with it */
export function directKernels(
  joint: DirectJoint,
  wanted: Partial<Wanted>,
  pool = new ConstantPool(),
): KernelModule {
  const parts: Lowered[] = [];
  const buffers: Buffer[] = [];
  const inputs: Record<string, string> = {};
  joint.sites.forEach((site, k) => {
    inputs[site.input.name] = inputBuffer(k);
    buffers.push(workspace(inputBuffer(k), sizeOf(site.input.shape)));
  });
  if (joint.states !== undefined) {
    inputs[STATES] = STATES;
    buffers.push(workspace(STATES, sizeOf(joint.states.shape)));
  }
  const nodes: InputNode[] = joint.sites.map((s) => s.input);
  if (joint.states !== undefined) nodes.push(joint.states);
  const add = (name: string, graph: Graph, outputs: readonly string[], result?: string): void => {
    for (const o of graph.outputs) {
      if (outputs.includes(o.name)) buffers.push(workspace(o.name, sizeOf(o.node.shape)));
    }
    const own = Object.fromEntries(outputs.map((o) => [o, o]));
    parts.push(lowerGraph(graph, { name, result, inputs, outputs: own, constants: pool }));
  };
  const density = (terms: readonly Node[]): Graph => {
    const sum = terms.reduce<Node>((total, t) => joint.g.add(total, t), joint.g.constant(0));
    return collapse(simplify({ inputs: nodes, outputs: [{ name: "lp", node: sum }] }));
  };

  if (wanted.lp === true) add("lp", simplify(density(joint.terms)), [], "lp");
  for (const k of wanted.densities ?? []) {
    add(`density_${k}`, simplify(density(termsOf(joint, k))), [], "lp");
  }
  for (const k of wanted.gradients ?? []) {
    const { graph, node } = siteGradient(joint, k, density(termsOf(joint, k)));
    const name = `grad_${k}`;
    add(name, simplify({ inputs: graph.inputs, outputs: [{ name, node }] }), [name]);
  }
  for (const { site: k, at } of wanted.statistics ?? []) {
    const { graph, node } = siteGradient(joint, k, density(termsOf(joint, k)));
    const input = inputOf(graph, joint.sites[k].input.name);
    const g = new SimplifyingBuilder();
    const fresh = graph.inputs.map((n) => g.input(n.name, n.shape, n.dtype));
    const points = at.flatMap((v) => {
      return substitute(g, [node], new Map([[input, g.constant(v, input.shape)]]));
    });
    const name = `stats_${k}`;
    const outputs = [{ name, node: g.concat(points, 0) }];
    add(name, simplify({ inputs: fresh, outputs }), [name]);
  }
  for (const { name, sites, at } of wanted.vectors ?? []) {
    const touched = joint.terms.filter((t) => {
      const found = topological([t]);
      return sites.some((k) => found.includes(joint.sites[k].input));
    });
    const graph = density(touched);
    const g = new SimplifyingBuilder();
    const fresh = graph.inputs.map((n) => g.input(n.name, n.shape, n.dtype));
    const [output] = substitute(g, [graph.outputs[0].node], new Map());
    const own = sites.map((k) => g.requireInput(joint.sites[k].input.name));
    const node = g.concat(gradient(g, output, own), 0);
    if (at === undefined) {
      add(name, simplify({ inputs: fresh, outputs: [{ name, node }] }), [name]);
      continue;
    }
    const again = new SimplifyingBuilder();
    const inputs = fresh.map((n) => again.input(n.name, n.shape, n.dtype));
    const points = at.flatMap((v) => {
      let offset = 0;
      const values = own.map((input): [Node, Node] => {
        const length = sizeOf(input.shape);
        offset += length;
        return [input, again.constant(v.slice(offset - length, offset), input.shape)];
      });
      return substitute(again, [node], new Map(values));
    });
    add(name, simplify({ inputs, outputs: [{ name, node: again.concat(points, 0) }] }), [name]);
  }
  if (wanted.tables === true && joint.factors.length > 0) {
    const outputs = joint.factors.map((f, k) => ({ name: `table_${k}`, node: f.rows }));
    const graph = simplify({ inputs: nodes, outputs });
    add(
      "tables",
      graph,
      outputs.map((o) => o.name),
    );
  }
  if (wanted.values === true && joint.sites.length > 0) {
    const outputs = joint.sites.map((s, k) => ({ name: `own_${k}`, node: s.own }));
    const graph = simplify({ inputs: nodes, outputs });
    add(
      "values",
      graph,
      outputs.map((o) => o.name),
    );
  }
  return {
    buffers: [...buffers, ...pool.buffers(), ...pool.scratchBuffers()],
    functions: parts.flatMap((p) => p.functions),
  };
}

/** The terms of the log joint that depend on site k. */
function termsOf(joint: DirectJoint, k: number): Node[] {
  const { input } = joint.sites[k];
  return joint.terms.filter((t) => topological([t]).includes(input));
}

function siteGradient(joint: DirectJoint, k: number, graph: Graph): { graph: Graph; node: Node } {
  const g = new SimplifyingBuilder();
  const inputs = graph.inputs.map((n) => g.input(n.name, n.shape, n.dtype));
  const [output] = substitute(g, [graph.outputs[0].node], new Map());
  const input = g.requireInput(joint.sites[k].input.name);
  const [node] = gradient(g, output, [input]);
  return { graph: { inputs, outputs: [] }, node };
}

function inputOf(graph: Graph, name: string): InputNode {
  return graph.inputs.find((n) => n.name === name) ?? internalError(`no input ${name}`);
}

function workspace(name: string, length: number): Buffer {
  return { name, element: "f64", length, region: "workspace" };
}
