/**
 * The density of one element of a site given everything else, up to a constant: of the log joint only
 * the entries that read the element (its Markov blanket), as kernels that take the element as an
 * argument. What the site's elements do not change is computed once before they are drawn.
 */
import type { Buffer, KernelFunction } from "../../../kernel/ir.js";
import { type ConstantPool, lowerGraph } from "../../../passes/lower/index.js";
import { SimplifyingBuilder, simplify, simplifyInto } from "../../../passes/simplify/index.js";
import { GraphBuilder } from "../../../tensor/builder.js";
import type { InputNode, Node } from "../../../tensor/ops.js";
import { sizeOf } from "../../../tensor/shape-rules.js";
import { dependents, topological } from "../../../tensor/traverse.js";
import { inputBuffer } from "../../conditionals/kernels.js";
import { type DirectJoint, STATES } from "../../logjoint/direct.js";
import { additiveParts, type Part } from "./additive.js";
import { Places, type Run } from "./places.js";
import { Restriction } from "./restrict.js";
import { type Touched, touched } from "./touching.js";

/** The input that says which element of a group is meant; no site can have it. */
const ELEMENT = ".element";

export interface LocalDensity {
  /** `local_<site>_<group>` (a number), and `prepare_<site>` where something is computed before. */
  readonly functions: readonly KernelFunction[];
  /** `element_<site>`: the element's place in its group; arrays that are computed before. */
  readonly buffers: readonly Buffer[];
  readonly isPrepared: boolean;
  /**
   * `fixed_<site>_<group>` has what depends on the value of the element and on data alone; the values
   * of `fixed_<site>` are 0 where they are not known yet, `window` of them for each element. 0: none.
   */
  readonly window: number;
  /** Elements that one kernel serves. */
  readonly groups: readonly Int32Array[];
  /** How many entries of the log joint one element reads at most. */
  readonly most: number;
  /** How many entries there are that any element reads. */
  readonly whole: number;
}

/** Entries that the elements may read together; beyond, their lists are not worth their memory. */
const MOST_ENTRIES = 1 << 22;
/** Elements with blankets of different sizes have kernels of their own, at most so many. */
const MOST_GROUPS = 4;

/** The entries of the parts that read each element: `[part][element]`. */
type Blankets = readonly (readonly (readonly number[])[])[];

/**
 * @returns undefined where an element reads so much that the whole density costs no more
 */
export function localDensity(
  joint: DirectJoint,
  site: number,
  pool: ConstantPool,
): LocalDensity | undefined {
  const { parts, input, inputs } = siteParts(joint, site);
  const nodes = parts.map((p) => p.node);
  const reached = touched(nodes, input);
  if (reached === undefined) return undefined;
  const count = sizeOf(input.shape);
  const blankets = blanketsOf(parts, reached, count);
  if (blankets === undefined) return undefined;
  const most = maximum(count, (e) => blankets.reduce((n, own) => n + own[e].length, 0));
  const whole = parts.reduce((n, { node }) => n + sizeOf(node.shape), 0);
  const groups = groupsOf(blankets, count);

  const still = new Map<Node, { readonly name: string; readonly buffer: string }>();
  const moving = dependents(topological(nodes), [input]);
  const window = windowOf(count);
  const isKept = (part: Part): boolean =>
    joint.sites[site].isCount && window > 0 && isFixed(part, input, reached);
  const fixed = parts.map(isKept);
  const names: Record<string, string> = { [ELEMENT]: `element_${site}` };
  joint.sites.forEach((s, k) => {
    names[s.input.name] = inputBuffer(k);
  });
  if (joint.states !== undefined) names[STATES] = STATES;
  const functions: KernelFunction[] = [];
  groups.forEach((elements, group) => {
    const g = new GraphBuilder();
    const element = g.input(ELEMENT, [], "int");
    const places = new Places(g, element, elements.length);
    const restriction = new Restriction(g, places, moving, (n) => {
      const known = still.get(n) ?? {
        name: `.still_${still.size}`,
        buffer: `still_${site}_${still.size}`,
      };
      still.set(n, known);
      names[known.name] = known.buffer;
      return g.input(known.name, n.shape, n.dtype);
    });
    for (const kind of fixed.some(Boolean) ? (["local", "fixed"] as const) : ["local"]) {
      const own = fixed.map((isOwn) => isOwn === (kind === "fixed"));
      const lp = groupDensity(restriction, parts, own, blankets, elements);
      const graph = { inputs: g.inputs, outputs: [{ name: "lp", node: lp }] };
      const lowered = lowerGraph(graph, {
        name: `${kind}_${site}_${group}`,
        result: "lp",
        inputs: names,
        outputs: {},
        constants: pool,
      });
      functions.push(...lowered.functions);
    }
  });
  const buffers: Buffer[] = [workspace(`element_${site}`, 1)];
  const kept = fixed.some(Boolean) ? window : 0;
  if (kept > 0) buffers.push(workspace(`fixed_${site}`, kept * count));
  if (still.size > 0) {
    const wanted = [...still];
    const outputs = wanted.map(([node, { name }]) => ({ name, node }));
    for (const [node, { buffer }] of wanted) buffers.push(workspace(buffer, sizeOf(node.shape)));
    const lowered = lowerGraph(simplify({ inputs, outputs }), {
      name: `prepare_${site}`,
      inputs: names,
      outputs: Object.fromEntries(wanted.map(([, { name, buffer }]) => [name, buffer])),
      constants: pool,
    });
    functions.push(...lowered.functions);
  }
  const isPrepared = still.size > 0;
  return { functions, buffers, isPrepared, window: kept, groups, most, whole };
}

const workspace = (name: string, length: number): Buffer => {
  return { name, element: "f64", length, region: "workspace" };
};

/** Values of an element, from 0 on, whose fixed parts are kept. */
const MOST_KEPT = 1 << 21;
function windowOf(count: number): number {
  const room = Math.min(1024, Math.floor(MOST_KEPT / count));
  return room < 16 ? 0 : room;
}

/** Whether entries of a part follow from one element each, and from data. */
function isFixed({ node }: Part, input: InputNode, reached: Touched): boolean {
  if (topological([node]).some((n) => n.op === "input" && n !== input)) return false;
  for (let i = 0; i < sizeOf(node.shape); i++) {
    if (reached.elementsAt(node, i).length > 1) return false;
  }
  return true;
}

/** The arrays whose sums of entries make up what depends on a site. */
function siteParts(
  joint: DirectJoint,
  site: number,
): {
  readonly parts: readonly Part[];
  readonly input: InputNode;
  readonly inputs: readonly InputNode[];
} {
  const all = joint.sites.map((s) => s.input);
  if (joint.states !== undefined) all.push(joint.states);
  const own = joint.sites[site].input;
  // Sums are opened before they are simplified, which may make products of them.
  const raw = additiveParts(joint.g, joint.terms, own);
  const g = new SimplifyingBuilder();
  const inputs = all.map((n) => g.input(n.name, n.shape, n.dtype));
  const input = g.requireInput(own.name);
  const simpler = simplifyInto(
    g,
    raw.map(({ node }) => node),
  );
  const weights = new Map<Node, number>();
  raw.forEach(({ weight }, k) => {
    for (const part of additiveParts(g, [simpler[k]], input)) {
      weights.set(part.node, (weights.get(part.node) ?? 0) + weight * part.weight);
    }
  });
  const parts = [...weights].map(([node, weight]) => ({ node, weight }));
  return { parts, input, inputs };
}

function blanketsOf(parts: readonly Part[], reached: Touched, count: number): Blankets | undefined {
  let total = 0;
  let whole = 0;
  const blankets: number[][][] = [];
  for (const { node } of parts) {
    const own = Array.from({ length: count }, (): number[] => []);
    const size = sizeOf(node.shape);
    whole += size * count;
    for (let i = 0; i < size; i++) {
      const elements = reached.elementsAt(node, i);
      total += elements.length;
      if (total > MOST_ENTRIES) return undefined;
      for (const e of elements) own[e].push(i);
    }
    blankets.push(own);
  }
  return 2 * total > whole && count > 1 ? undefined : blankets;
}

/**
 * Elements whose blankets have about the same sizes: what is shorter in a group is filled up, and
 * filled entries cost as others do.
 */
function groupsOf(blankets: Blankets, count: number): Int32Array[] {
  for (const base of [1, 2, 4, 16]) {
    const groups = new Map<string, number[]>();
    for (let e = 0; e < count; e++) {
      const key = blankets.map((own) => rounded(own[e].length, base)).join();
      const group = groups.get(key) ?? [];
      groups.set(key, group);
      group.push(e);
    }
    if (groups.size <= MOST_GROUPS) return [...groups.values()].map((g) => Int32Array.from(g));
  }
  return [Int32Array.from({ length: count }, (_, e) => e)];
}

/** Up to a power of the base; as it is for 1. */
function rounded(n: number, base: number): number {
  if (base === 1 || n === 0) return n;
  return base ** Math.ceil(Math.log(n) / Math.log(base) - 1e-9);
}

/** Σ over the blanket of the element, a number. */
function groupDensity(
  r: Restriction,
  parts: readonly Part[],
  /** Which parts count. */
  own: readonly boolean[],
  blankets: Blankets,
  elements: Int32Array,
): Node {
  const { g, places } = r;
  const runs = new Map<number, Run>();
  let total: Node = g.constant(0);
  parts.forEach(({ node, weight }, p) => {
    if (!own[p]) return;
    const lists = Array.from(elements, (e) => blankets[p][e]);
    const size = maximum(lists.length, (k) => lists[k].length);
    if (size === 0) return;
    const run = runs.get(size) ?? r.run(size);
    runs.set(size, run);
    const table = (at: (list: readonly number[], k: number) => number) =>
      places.table(
        true,
        [run],
        Float64Array.from({ length: lists.length * size }, (_, i) => {
          return at(lists[Math.floor(i / size)], i % size);
        }),
      );
    // A shorter list repeats an entry of its own, which then does not count.
    const entry = r.entryAt(
      node,
      table((list, k) => list[k] ?? list[0] ?? 0),
    );
    const counts = table((list, k) => (k < list.length ? 1 : 0));
    const masked = r.choose(counts, entry, { node: g.constant(0), runs: [] });
    const sum = r.reduce("sum", masked, [run]);
    total = g.add(total, weight === 1 ? sum.node : g.mul(sum.node, weight));
  });
  return total;
}

function maximum(count: number, of: (k: number) => number): number {
  let most = 0;
  for (let k = 0; k < count; k++) most = Math.max(most, of(k));
  return most;
}
