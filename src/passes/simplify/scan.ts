/**
 * Rewriting of loops. Loops that share a body and operands (the model's, and the one its gradient
 * saves the carries with) become one; results nobody reads are dropped, with the carries and
 * operands that only they needed; what does not change from step to step leaves the body.
 */
import type { GraphBuilder, ScanStep } from "../../tensor/builder.js";
import type { InputNode, Node, NodeOf, OutputNode, ScanNode } from "../../tensor/ops.js";
import { type Lookup, substitute } from "../../tensor/transform.js";
import { dependents, operandsOf, topological } from "../../tensor/traverse.js";
import { isConstant } from "./facts.js";

/** Loops of one body over the same operands, with the results that are read. */
interface Group {
  readonly leader: ScanNode;
  /** Final carries that are read. */
  readonly finals: Set<number>;
  /** Body nodes whose stacked values are read. */
  readonly ys: Set<Node>;
}

export type Groups = ReadonlyMap<ScanNode, Group>;

/** The groups of the loops in `order`. */
export function groupScans(order: readonly Node[]): Groups {
  const groups = new Map<ScanNode, Group>();
  const byBody = new Map<readonly InputNode[], Group[]>();
  for (const n of order) {
    if (n.op === "scan") {
      const candidates = byBody.get(n.body.slices) ?? [];
      let group = candidates.find((c) => sameLoop(c.leader, n));
      if (group === undefined) {
        group = { leader: n, finals: new Set(), ys: new Set() };
        byBody.set(n.body.slices, [...candidates, group]);
      }
      groups.set(n, group);
    } else if (n.op === "output") {
      const group = groups.get(n.source)!;
      const carries = n.source.init.length;
      if (n.index < carries) group.finals.add(n.index);
      else group.ys.add(n.source.body.ys[n.index - carries]);
    }
  }
  return groups;
}

/** Same operands and same steps; the lists of ys may differ. */
function sameLoop(a: ScanNode, b: ScanNode): boolean {
  const same = (x: readonly Node[], y: readonly Node[]): boolean =>
    x.length === y.length && x.every((n, k) => n === y[k]);
  return (
    a.length === b.length &&
    a.reverse === b.reverse &&
    same(operandsOf(a), operandsOf(b)) &&
    same(a.body.carry, b.body.carry) &&
    same(a.body.slices, b.body.slices) &&
    same(a.body.consts, b.body.consts) &&
    same(a.body.nextCarry, b.body.nextCarry)
  );
}

/** The results of a rewritten loop, by carry and by body node. */
export interface Rewritten {
  readonly finals: ReadonlyMap<number, Node>;
  readonly ys: ReadonlyMap<Node, Node>;
}

export function resultOf(rewritten: Rewritten, n: OutputNode): Node {
  const carries = n.source.init.length;
  if (n.index < carries) return rewritten.finals.get(n.index)!;
  return rewritten.ys.get(n.source.body.ys[n.index - carries])!;
}

/** Simplifies expressions into `g`, some nodes replaced; the pass itself, for bodies. */
export type SimplifyInto = (
  g: GraphBuilder,
  outputs: readonly Node[],
  replaced: ReadonlyMap<Node, Node>,
) => Node[];

/** Builds the loop of a group in `g` over operands given by `at`. */
export function rewriteScan(
  g: GraphBuilder,
  group: Group,
  at: Lookup,
  nested: () => GraphBuilder,
  simplifyInto: SimplifyInto,
): Rewritten {
  const { leader: n, finals } = group;
  const { body } = n;
  const ys = [...group.ys];
  const live = liveCarries(n, finals, ys);
  const order = topological([...live.map((k) => body.nextCarry[k]), ...ys]);
  const used = new Set(order);

  // What each input of the old body is: a constant, the same for all steps, or one row a step.
  const replaced = new Map<Node, Node>();
  const shared = new Map<Node, Node>();
  const rows: { readonly input: Node; readonly operand: Node }[] = [];
  body.consts.forEach((input, k) => {
    if (used.has(input)) shared.set(input, at(n.consts[k]));
  });
  body.slices.forEach((input, k) => {
    if (!used.has(input)) return;
    const operand = at(n.xs[k]);
    const row = repeatedRow(g, operand);
    if (row === undefined) rows.push({ input, operand });
    else shared.set(input, row);
  });
  for (const [old, node] of invariants(g, n, order, shared)) shared.set(old, node);

  const b = nested();
  const carry = live.map((k) => b.input(`carry${k}`, body.carry[k].shape, body.carry[k].dtype));
  const slices = rows.map((r, k) => b.input(`slice${k}`, r.input.shape, r.operand.dtype));
  const consts: Node[] = [];
  const constInputs: InputNode[] = [];
  live.forEach((k, i) => {
    replaced.set(body.carry[k], carry[i]);
  });
  rows.forEach((r, i) => {
    replaced.set(r.input, slices[i]);
  });
  const read = readInside(order, shared, [...live.map((k) => body.nextCarry[k]), ...ys]);
  for (const [old, node] of shared) {
    if (!read.has(old)) continue;
    if (isConstant(node)) {
      replaced.set(old, substitute(b, [node], new Map())[0]);
    } else {
      const input = b.input(`const${consts.length}`, node.shape, node.dtype);
      replaced.set(old, input);
      consts.push(node);
      constInputs.push(input);
    }
  }
  const made = simplifyInto(b, [...live.map((k) => body.nextCarry[k]), ...ys], replaced);
  const step: ScanStep = { carry: made.slice(0, live.length), ys: made.slice(live.length) };
  const result = g.scanOf(
    {
      length: n.length,
      reverse: n.reverse,
      init: live.map((k) => at(n.init[k])),
      xs: rows.map((r) => r.operand),
      consts,
    },
    { carry, slices, consts: constInputs, nextCarry: step.carry, ys: step.ys },
  );
  return {
    finals: new Map(live.map((k, i) => [k, result.carry[i]])),
    ys: new Map(ys.map((y, i) => [y, result.ys[i]])),
  };
}

/** Carries that a read result depends on, through any number of steps. */
function liveCarries(n: ScanNode, finals: ReadonlySet<number>, ys: readonly Node[]): number[] {
  const { body } = n;
  const live = new Set(finals);
  for (;;) {
    const reached = new Set(topological([...ys, ...[...live].map((k) => body.nextCarry[k])]));
    const before = live.size;
    body.carry.forEach((c, k) => {
      if (reached.has(c)) live.add(k);
    });
    if (live.size === before) return [...live].sort((a, b) => a - b);
  }
}

/** The row that every step sees, where the operand repeats one. */
function repeatedRow(g: GraphBuilder, x: Node): Node | undefined {
  if (x.op !== "broadcast" || x.axes.includes(0)) return undefined;
  return g.broadcast(
    x.x,
    x.shape.slice(1),
    x.axes.map((a) => a - 1),
  );
}

/** Expressions of the body that no step changes, computed in `g`: old node → node of `g`. */
function invariants(
  g: GraphBuilder,
  n: NodeOf<"scan">,
  order: readonly Node[],
  shared: ReadonlyMap<Node, Node>,
): Map<Node, Node> {
  const varying = [...n.body.carry, ...n.body.slices.filter((s) => !shared.has(s))];
  const changes = dependents(order, varying);
  const found = new Map<Node, Node>();
  const inner = order.filter(
    (x) => !changes.has(x) && x.op !== "const" && x.op !== "input" && x.op !== "scan",
  );
  if (inner.length === 0) return found;
  const made = substitute(g, inner, shared);
  inner.forEach((x, k) => {
    found.set(x, made[k]);
  });
  return found;
}

/** The shared nodes that remaining expressions of the body still read, or return. */
function readInside(
  order: readonly Node[],
  shared: ReadonlyMap<Node, Node>,
  outputs: readonly Node[],
): Set<Node> {
  const read = new Set<Node>(outputs.filter((o) => shared.has(o)));
  for (const x of order) {
    if (shared.has(x)) continue;
    for (const operand of operandsOf(x)) if (shared.has(operand)) read.add(operand);
  }
  return read;
}
