/**
 * The kernels of an expected joint in two stages: passes over the data, as graphs for a device, and
 * the rest, as kernels of the host. E log p is multilinear in the statistics and the counts, so that
 * its gradient in a site's statistics reads the counts through sums over the data (the sufficient
 * statistics of Dempster, Laird & Rubin 1977, section 2). These sums are found in the gradient's
 * graph: nodes that depend on counts and not on statistics, and are read by nodes that do. Going in,
 * nodes that depend on statistics alone are the host's, in f64, up to where they meet the data.
 */
import { internalError } from "../../base/internal.js";
import type { Buffer, KernelModule } from "../../kernel/ir.js";
import { gradient } from "../../passes/grad/index.js";
import { ConstantPool, type Lowered, lowerGraph } from "../../passes/lower/index.js";
import { SimplifyingBuilder, simplify } from "../../passes/simplify/index.js";
import type { ConstNode, InputNode, Node } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import { graft, transform } from "../../tensor/transform.js";
import { operandsOf, topological } from "../../tensor/traverse.js";
import type { ExpectedJoint } from "../expectation/contract.js";
import { type Columns, columnsOf } from "./columns.js";
import { type AscentKernels, expectedCounts, inputsOf, names, workspace } from "./compile.js";
import { farColumn } from "./offsets.js";
import { type Pattern, patternsOf, sitesRead } from "./patterns.js";
import { deviceGraphs } from "./stage-graphs.js";
import { type Lifted, type StagedGraphs, type Stages, stageNames } from "./stage-parts.js";
import { whitened } from "./whiten.js";

export { type StagedGraphs, stageNames } from "./stage-parts.js";

/** `module` is the host's. */
export interface StagedKernels extends AscentKernels {
  readonly kind: "staged";
  readonly graphs: StagedGraphs;
  readonly inputs: readonly { readonly name: string; readonly length: number }[];
  readonly sums: readonly Sum[];
  /** What both parts are made of, for graphs of whole iterations. */
  readonly stages: Stages;
  /** Numbers of the data with an entry for each item. */
  readonly dataNumbers: number;
}

export interface Sum {
  readonly name: string;
  readonly length: number;
  readonly shape: readonly number[];
  /** Along which the values of the discrete site stand, where there is one such site. */
  readonly columns: Columns | undefined;
  /** The sites whose updates read it, by index in the joint. */
  readonly sites: readonly number[];
}

/** Why the stages cannot be told apart: the step, and the reason. */
export interface NotStaged {
  readonly kind: "not_staged";
  readonly step: string;
  readonly reason: string;
  /** Which reason it is, where callers tell it in words of their own. */
  readonly cause?: "no_labels" | "no_family";
}

/** Products of data with more numbers are formed on the device, when they are read. */
export const MOST_STAGED = 1 << 22;

/** Sums of more elements are no sums: what depends on every item has stayed in them. */
const MOST_SUMS = 1 << 20;

/**
 * @param isSingle whether the device counts in single precision, for which data are prepared
 * @throws TildeError where the sum over the discrete sites is too large
 */
export function stageAscent(joint: ExpectedJoint, isSingle = false): StagedKernels | NotStaged {
  const refuse = (step: string, reason: string, cause?: NotStaged["cause"]): NotStaged => {
    return { kind: "not_staged", step, reason, cause };
  };
  const patterns = patternsOf(joint);
  const discrete = sitesRead(joint);
  if (patterns.length === 0) {
    const reason = "it sums over no discrete site, and a device has nothing to do";
    return refuse("the E-step", reason, "no_labels");
  }
  const point = joint.sites.find((s) => s.kind === "point");
  if (point !== undefined) {
    const { name } = point.direct.latent;
    const reason = "its steps read the data one by one, on the CPU";
    return refuse(`the update of \`${name}\``, reason, "no_family");
  }
  const rows = patterns.reduce((n, p) => Math.max(n, p.tuples), 1);
  const far = isSingle
    ? farColumn([...patterns.map((p) => p.table), ...joint.terms], rows)
    : undefined;
  if (far !== undefined) {
    const [mean, spread] = [far.mean, far.spread].map((v) => v.toPrecision(4));
    return refuse(
      "the pass over the data",
      `in single precision its products of data (of ${rows} rows, formed on the device) lose the ` +
        `spread ${spread} of column ${far.column}, whose mean is ${mean}: subtract the means from ` +
        "the data, or take a device that counts in double precision",
    );
  }
  const parts = lift(joint, patterns, isSingle);
  const { tables, naturals, statistics, counts, data } = parts;
  const isData = new Set<Node>(data.keys());
  const onCounts = dependents(naturals.flat(), new Set(counts));
  const onStatistics = dependents([...naturals.flat(), ...tables], new Set(statistics));

  const read = new Set<Node>();
  for (const n of topological(naturals.flat())) {
    if (!onStatistics.has(n)) continue;
    for (const x of operandsOf(n)) if (onCounts.has(x) && !onStatistics.has(x)) read.add(x);
  }
  naturals.forEach((list) => {
    for (const n of list) if (onCounts.has(n) && !onStatistics.has(n)) read.add(n);
  });
  const items = patterns.reduce((n, p) => Math.max(n, p.tuples), 1);
  const sums = reducersOf([...read], onCounts, isData, items);
  for (const [k, list] of naturals.entries()) {
    const own = new Set(topological(list));
    const large = sums.find((s) => own.has(s) && sizeOf(s.shape) > MOST_SUMS);
    if (large === undefined) continue;
    const { name } = joint.sites[k].direct.latent;
    return refuse(`the update of \`${name}\``, "it reads the data item by item, not by sums");
  }

  // Where nodes of the statistics meet the data.
  const meets = dependents(tables, isData);
  const entries: Node[] = [];
  const enter = (n: Node): void => {
    if (onStatistics.has(n) && !meets.has(n) && !entries.includes(n)) entries.push(n);
  };
  for (const n of topological(tables)) if (meets.has(n)) for (const x of operandsOf(n)) enter(x);
  for (const t of tables) enter(t);

  const inputs = entries.map((n, j) => ({ name: stageNames.input(j), length: sizeOf(n.shape) }));
  const host = hostModule({ ...parts, patterns, entries, sums, inputs });
  const made = expectedCounts(patterns, discrete);
  const stages: Stages = { ...parts, patterns, entries, sums };
  const graphs = deviceGraphs({ ...stages, discrete, made });
  return {
    kind: "staged",
    module: host,
    patterns,
    discrete,
    sum: made.plan,
    graphs,
    inputs,
    sums: describeSums(sums, parts),
    stages,
    dataNumbers: [...parts.data.values()].reduce((n, c) => n + c.data.length, 0),
  };
}

/**
 * What sums are made of: the nodes where arrays of the items' size end. What follows them is small and
 * is the host's, in f64.
 * @param onCounts nodes that depend on counts
 */
function reducersOf(
  sums: readonly Node[],
  onCounts: ReadonlySet<Node>,
  data: ReadonlySet<Node>,
  items: number,
): Node[] {
  const ofData = new Set([...dependents(sums, data)].filter((n) => !onCounts.has(n)));
  const wide = new Set<Node>();
  for (const n of topological(sums)) {
    if (!onCounts.has(n) || sizeOf(n.shape) < items) continue;
    if (n.op === "input" || operandsOf(n).some((x) => wide.has(x) || ofData.has(x))) wide.add(n);
  }
  const found = new Set<Node>();
  const seen = new Set<Node>();
  const rest = [...sums];
  for (let n = rest.pop(); n !== undefined; n = rest.pop()) {
    if (seen.has(n)) continue;
    seen.add(n);
    const operands = operandsOf(n);
    const ends = wide.has(n) || operands.some((x) => wide.has(x) || ofData.has(x));
    if (ends || n.op === "input") found.add(n);
    else rest.push(...operands.filter((x) => onCounts.has(x)));
  }
  return [...found].sort((x, y) => x.id - y.id);
}

function describeSums(sums: readonly Node[], { counts, naturals }: Lifted): Sum[] {
  const columns = columnsOf(sums, counts);
  const below = naturals.map((list) => new Set(topological(list)));
  return sums.map((n, j) => ({
    name: stageNames.sum(j),
    length: sizeOf(n.shape),
    shape: n.shape,
    columns: columns[j],
    sites: below.flatMap((own, k) => (own.has(n) ? [k] : [])),
  }));
}

/** Everything in one builder, with the data as inputs: nothing of their size is folded. */
function lift(joint: ExpectedJoint, patterns: readonly Pattern[], isSingle: boolean): Lifted {
  const f = new SimplifyingBuilder();
  const items = patterns.reduce((n, p) => Math.max(n, p.tuples), 1);
  const roots = [...patterns.map((p) => p.table), ...joint.terms];
  const data = new Map<Node, ConstNode>();
  const factors = new Map<Node, Node>();
  const replaced = new Map<Node, Node>();
  const statistics = joint.sites.flatMap((site, k) =>
    inputsOf(site).map((n, j) => {
      const input = f.input(names.statistic(k, j), n.shape, n.dtype);
      replaced.set(n, input);
      return { site: k, input };
    }),
  );
  for (const n of topological(roots)) {
    if (n.op !== "const" || n.data.length < items) continue;
    const input = f.input(`data_${data.size}`, n.shape, n.dtype);
    const better = isSingle && isLeft(n, roots) ? whitened(n.data, ...rowsOf(n)) : undefined;
    data.set(input, better === undefined ? n : { ...n, data: better.data });
    replaced.set(n, input);
    if (better === undefined) continue;
    const width = n.shape[1];
    factors.set(n, f.constant(better.factor, [width, width]));
  }
  const made = transform(f, roots, (n, at) => {
    const factor = n.op === "matmul" ? factors.get(n.x) : undefined;
    if (n.op !== "matmul" || factor === undefined) return replaced.get(n);
    return f.matmul(at(n.x), f.matmul(factor, at(n.y)));
  }).outputs;
  const tables = made.slice(0, patterns.length);
  const terms = made.slice(patterns.length).reduce<Node>((x, y) => f.add(x, y), f.constant(0));
  const counts = patterns.map((p, k) => f.input(names.counts(k), p.table.shape));
  const weighted = tables.map((t, k) => f.sum(f.mul(counts[k], t)));
  const total = weighted.reduce((x, y) => f.add(x, y), terms);
  const naturals = joint.sites.map((_, k) => {
    const own = statistics.filter((s) => s.site === k).map((s) => s.input);
    return own.length === 0 ? [] : gradient(f, total, own);
  });
  return {
    statistics: statistics.map((s) => requireInput(s.input)),
    counts: counts.map(requireInput),
    tables,
    terms,
    naturals,
    data,
  };
}

/** Whether a known matrix is read as the left side of products alone. */
function isLeft(n: ConstNode, roots: readonly Node[]): boolean {
  if (n.shape.length !== 2) return false;
  return topological(roots).every((user) => {
    if (!operandsOf(user).includes(n)) return true;
    return user.op === "matmul" && user.x === n && user.y !== n && user.y.shape.length === 2;
  });
}
const rowsOf = (n: ConstNode): [number, number] => [n.shape[0], n.shape[1]];

function requireInput(n: Node): InputNode {
  return n.op === "input" ? n : internalError(`${n.op} is no input`);
}

/** The nodes below `outputs` that depend on one of `from`, those themselves included. */
function dependents(outputs: readonly Node[], from: ReadonlySet<Node>): Set<Node> {
  const found = new Set<Node>();
  for (const n of topological(outputs)) {
    if (from.has(n) || operandsOf(n).some((x) => found.has(x))) found.add(n);
  }
  return found;
}

/** Natural parameters from sums, terms without discrete sites, and what the device reads. */
function hostModule(
  stages: Stages & {
    readonly inputs: readonly { readonly name: string; readonly length: number }[];
  },
): KernelModule {
  const { statistics, data, naturals, terms, entries, sums, inputs } = stages;
  const pool = new ConstantPool();
  const buffers: Buffer[] = [];
  const known: Record<string, string> = {};
  const parts: Lowered[] = [];
  const hold = (name: string, length: number): void => {
    known[name] = name;
    buffers.push(workspace(name, length));
  };
  for (const n of statistics) hold(n.name, sizeOf(n.shape));
  sums.forEach((n, j) => {
    hold(stageNames.sum(j), sizeOf(n.shape));
  });
  const g = new SimplifyingBuilder();
  const replaced = new Map<Node, Node>();
  const own = statistics.map((n) => g.input(n.name, n.shape, n.dtype));
  statistics.forEach((n, k) => {
    replaced.set(n, own[k]);
  });
  const read = sums.map((n, j) => g.input(stageNames.sum(j), n.shape));
  sums.forEach((n, j) => {
    replaced.set(n, read[j]);
  });
  for (const [input, n] of data) replaced.set(input, g.constant(n.data, n.shape, n.dtype));
  const all = [...own, ...read].map(requireInput);
  const add = (name: string, nodes: readonly Node[], outputs: readonly string[]): void => {
    const made = graft(g, nodes, replaced);
    const isValue = name === "terms";
    const graph = simplify({
      inputs: all,
      outputs: made.map((node, j) => ({ name: isValue ? "value" : outputs[j], node })),
    });
    const options = isValue ? { result: "value", outputs: {} } : { outputs: namesOf(outputs) };
    parts.push(lowerGraph(graph, { name, inputs: known, constants: pool, ...options }));
  };
  add("terms", [terms], []);
  inputs.forEach(({ name, length }) => {
    buffers.push(workspace(name, length));
  });
  add(
    stageNames.enter,
    entries,
    inputs.map((i) => i.name),
  );
  naturals.forEach((nodes, k) => {
    if (nodes.length === 0) return;
    const outputs = nodes.map((_, j) => names.natural(k, j));
    nodes.forEach((n, j) => {
      buffers.push(workspace(outputs[j], sizeOf(n.shape)));
    });
    add(names.update(k), nodes, outputs);
  });
  return {
    buffers: [...buffers, ...pool.buffers(), ...pool.scratchBuffers()],
    functions: parts.flatMap((p) => p.functions),
  };
}

const namesOf = (list: readonly string[]): Record<string, string> =>
  Object.fromEntries(list.map((n) => [n, n]));
