/**
 * The draw of the discrete elements as a kernel, with the words of `discrete.ts`: chains by forward
 * filtering and backward sampling, others element by element. What each element reads is known, so
 * the places in the factors' tables are constants.
 */
import { internalError } from "../../../base/internal.js";
import {
  add,
  f64,
  ge,
  get,
  giveBack,
  gt,
  i32,
  index,
  load,
  loop,
  lt,
  mul,
  neg,
  perform,
  select,
  set,
  store,
  sub,
  unary,
  when,
} from "../../../kernel/build.js";
import type { Buffer, Expr, KernelFunction, Stmt } from "../../../kernel/ir.js";
import { STATES } from "../../logjoint/direct.js";
import type { DiscretePlan } from "../discrete.js";
import { exp, log, real, seedStream, uniformDraw, whole } from "./random.js";

/** Whether a kernel draws all of a plan's blocks. */
export function hasDiscreteKernel(plan: DiscretePlan): boolean {
  return plan.blocks.every((b) => b.kind !== "joint");
}

/** Lists of lists of numbers as buffers: `<name>_start` and one buffer for each field. */
class Lists {
  readonly buffers: Buffer[] = [];
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }
  ints(name: string, data: readonly number[]): string {
    const full = `${this.#prefix}_${name}`;
    const padded = Int32Array.from(data.length === 0 ? [0] : data);
    this.buffers.push({
      name: full,
      element: "i32",
      length: padded.length,
      region: "constant",
      data: padded,
    });
    return full;
  }
  numbers(name: string, length: number): string {
    const full = `${this.#prefix}_${name}`;
    this.buffers.push({ name: full, element: "f64", length, region: "workspace" });
    return full;
  }
}

/** Where an element reads one factor. */
interface Reading {
  readonly factor: number;
  /** Which references of the tuple are others, and their strides in the table. */
  readonly base: number;
  readonly stride: number;
  readonly others: readonly { readonly element: number; readonly stride: number }[];
}

function readingsOf(plan: DiscretePlan, e: number): Reading[] {
  return plan.incidences[e].map(({ factor, tuple, slot }) => {
    const { elements, strides, width } = plan.factors[factor];
    const others = elements.flatMap((list, r) => {
      return r === slot ? [] : [{ element: list[tuple], stride: strides[r] }];
    });
    return { factor, base: tuple * width, stride: strides[slot], others };
  });
}

const int = (buffer: string, at: Expr): Expr => load(buffer, at, "i32");
const asInt = (x: Expr): Expr => ({ kind: "convert", type: "i32", fn: "i32_from_f64", x });
const asReal = (x: Expr): Expr => ({ kind: "convert", type: "f64", fn: "f64_from_i32", x });

/** `update_discrete(sweep)`: 1, or 0 where an element has no possible value. */
export function discreteFunction(
  plan: DiscretePlan,
  site: number,
): { readonly buffers: readonly Buffer[]; readonly functions: readonly KernelFunction[] } {
  const most = plan.counts.reduce((m, c) => Math.max(m, c), 1);
  const lists = new Lists("discrete");
  const logits = lists.numbers("logits", most);
  const sweep = whole("sweep");
  const body: Stmt[] = [seedStream(site, get(sweep)), perform("tables", [])];
  let id = 0;
  // Neighbouring blocks of one kind are one loop; the order of the draws stays.
  for (let at = 0; at < plan.blocks.length; ) {
    const { kind } = plan.blocks[at];
    let end = at;
    while (end < plan.blocks.length && plan.blocks[end].kind === kind) end++;
    const blocks = plan.blocks.slice(at, end);
    const prefix = new Lists(`discrete_${id++}`);
    body.push(...(kind === "chain" ? chains(plan, blocks, prefix) : singles(plan, blocks, prefix)));
    lists.buffers.push(...prefix.buffers);
    at = end;
  }
  body.push(giveBack(i32(1)));
  return {
    buffers: lists.buffers,
    functions: [
      { name: "update_discrete", params: [sweep], result: "i32", body, exported: true },
      choose(logits),
    ],
  };
}

/**
 * `discrete_choose(n)`: a value of n by the log weights in `logits` (the largest of the weights
 * with Gumbel noise), or −1 where all are −∞ or one is NaN.
 */
function choose(logits: string): KernelFunction {
  const n = whole("n");
  const best = whole("best");
  const k = index("k");
  const [value, top, most] = ["value", "top", "most"].map(real);
  return {
    name: "discrete_choose",
    params: [n],
    result: "i32",
    body: [
      set(most, f64(Number.NEGATIVE_INFINITY)),
      loop("k", i32(0), get(n), [
        set(value, load(logits, k)),
        when(
          unary("eqz", { kind: "binary", type: "i32", fn: "eq", x: get(value), y: get(value) }),
          [giveBack(i32(-1))],
        ),
        set(most, select(gt(get(value), get(most)), get(value), get(most))),
      ]),
      when(unary("eqz", lt(unary("abs", get(most)), f64(Number.POSITIVE_INFINITY))), [
        giveBack(i32(-1)),
      ]),
      set(best, i32(-1)),
      set(top, f64(Number.NEGATIVE_INFINITY)),
      loop("k", i32(0), get(n), [
        set(value, sub(load(logits, k), log(neg(log(uniformDraw()))))),
        when(gt(get(value), get(top)), [set(best, k), set(top, get(value))]),
      ]),
      giveBack(get(best)),
    ],
    exported: false,
  };
}

/**
 * Adds to `into[offset + v · step]`, v < n, the table entries that list `at` reads of each factor.
 * `readings[i]` are those of entry i; the others' states count where there are any.
 */
function additions(
  readings: readonly (readonly Reading[])[],
  lists: Lists,
  name: string,
  at: Expr,
  n: Expr,
  into: string,
  offset: Expr,
): Stmt[] {
  const factors = [...new Set(readings.flatMap((r) => r.map(({ factor }) => factor)))];
  const [base, stride] = [whole("base"), whole("stride")];
  const [r, v] = [index("r"), index("v")];
  return factors.map((factor) => {
    const own = readings.map((list) => list.filter((x) => x.factor === factor));
    const flat = own.flat();
    const starts = [0];
    for (const list of own) starts.push(starts[starts.length - 1] + list.length);
    const start = lists.ints(`${name}_start_${factor}`, starts);
    const bases = lists.ints(
      `${name}_base_${factor}`,
      flat.map((x) => x.base),
    );
    const strides = lists.ints(
      `${name}_stride_${factor}`,
      flat.map((x) => x.stride),
    );
    const others = Math.max(0, ...flat.map((x) => x.others.length));
    const otherReads = Array.from({ length: others }, (_, o): Stmt => {
      // An element that reads fewer than another has itself with stride 0 here: it adds nothing.
      const element = lists.ints(
        `${name}_other_${factor}_${o}`,
        flat.map((x) => x.others[o]?.element ?? 0),
      );
      const step = lists.ints(
        `${name}_step_${factor}_${o}`,
        flat.map((x) => x.others[o]?.stride ?? 0),
      );
      const state = asInt(load(STATES, int(element, r)));
      return set(base, add(get(base), mul(state, int(step, r))));
    });
    const place = add(offset, v);
    const entry = load(`table_${factor}`, add(get(base), mul(v, get(stride))));
    return loop("r", int(start, at), int(start, add(at, i32(1))), [
      set(base, int(bases, r)),
      set(stride, int(strides, r)),
      ...otherReads,
      loop("v", i32(0), n, [store(into, place, add(load(into, place), entry))]),
    ]);
  });
}

const LOGITS = "discrete_logits";

function singles(
  plan: DiscretePlan,
  blocks: readonly DiscretePlan["blocks"][number][],
  lists: Lists,
): Stmt[] {
  const elements = blocks.flatMap((b) => (b.kind === "single" ? [...b.elements] : []));
  const ids = lists.ints("elements", elements);
  const counts = lists.ints(
    "counts",
    elements.map((e) => plan.counts[e]),
  );
  const [n, chosen] = [whole("n"), whole("chosen")];
  const [s, k] = [index("s"), index("k")];
  return [
    loop("s", i32(0), i32(elements.length), [
      set(n, int(counts, s)),
      loop("k", i32(0), get(n), [store(LOGITS, k, f64(0))]),
      ...additions(
        elements.map((e) => readingsOf(plan, e)),
        lists,
        "single",
        s,
        get(n),
        LOGITS,
        i32(0),
      ),
      perform("discrete_choose", [get(n)], chosen),
      when(lt(get(chosen), i32(0)), [giveBack(i32(0))]),
      store(STATES, int(ids, s), asReal(get(chosen))),
    ]),
  ];
}

/** Forward filtering, backward sampling of every path; see `drawChain` of discrete.ts. */
function chains(
  plan: DiscretePlan,
  blocks: readonly DiscretePlan["blocks"][number][],
  lists: Lists,
): Stmt[] {
  const paths = blocks.flatMap((b) => (b.kind === "chain" ? [b.path] : []));
  const steps = paths.flat();
  const starts = [0];
  for (const p of paths) starts.push(starts[starts.length - 1] + p.length);
  const before = paths.flatMap((p) => p.map((_, t) => (t === 0 ? -1 : p[t - 1])));
  const alone: Reading[][] = [];
  const paired: { factor: number; base: number; stride: number; stepBefore: number }[][] = [];
  steps.forEach((e, at) => {
    const readings = readingsOf(plan, e);
    alone.push(readings.filter((r) => r.others.length === 0));
    paired.push(
      readings.flatMap(({ factor, base, stride, others }) => {
        const [other] = others;
        if (other === undefined || other.element !== before[at]) return [];
        return [{ factor, base, stride, stepBefore: other.stride }];
      }),
    );
    const wide = readings.find((r) => r.others.length > 1);
    if (wide !== undefined) internalError("a chain's factor reads three elements");
  });
  const most = Math.max(...paths.map((p) => plan.counts[p[0]]));
  const ids = lists.ints("elements", steps);
  const pathStart = lists.ints("paths", starts);
  const counts = lists.ints(
    "counts",
    paths.map((p) => plan.counts[p[0]]),
  );
  const own = lists.numbers("own", steps.length * most);
  const pairs = lists.numbers("pairs", steps.length * most * most);
  const pairFactors = [...new Set(paired.flatMap((list) => list.map((x) => x.factor)))];

  const [n, chosen, next, from, to, place, base] = [
    "n",
    "chosen",
    "next",
    "from",
    "to",
    "place",
    "base",
  ].map(whole);
  const [top, total, value] = ["top", "total", "value"].map(real);
  const [p, t, j, k, r] = ["p", "t", "j", "k", "r"].map(index);
  const ownAt = (at: Expr, v: Expr): Expr => add(mul(at, i32(most)), v);
  const pairAt = (at: Expr, a: Expr, b: Expr): Expr =>
    add(mul(add(mul(at, i32(most)), a), i32(most)), b);

  const pairAdditions = pairFactors.map((factor): Stmt => {
    const each = paired.map((list) => list.filter((x) => x.factor === factor));
    const flat = each.flat();
    const pairStarts = [0];
    for (const list of each) pairStarts.push(pairStarts[pairStarts.length - 1] + list.length);
    const start = lists.ints(`pair_start_${factor}`, pairStarts);
    const bases = lists.ints(
      `pair_base_${factor}`,
      flat.map((x) => x.base),
    );
    const strides = lists.ints(
      `pair_stride_${factor}`,
      flat.map((x) => x.stride),
    );
    const befores = lists.ints(
      `pair_before_${factor}`,
      flat.map((x) => x.stepBefore),
    );
    const at = pairAt(t, j, k);
    const entry = add(add(int(bases, r), mul(j, int(befores, r))), mul(k, int(strides, r)));
    return loop("r", int(start, t), int(start, add(t, i32(1))), [
      loop("j", i32(0), get(n), [
        loop("k", i32(0), get(n), [
          store(pairs, at, add(load(pairs, at), load(`table_${factor}`, entry))),
        ]),
      ]),
    ]);
  });

  /** own[t][k] += log Σ_j exp(own[t−1][j] + pairs[t][j, k]) */
  const filter: Stmt = loop("k", i32(0), get(n), [
    set(top, f64(Number.NEGATIVE_INFINITY)),
    loop("j", i32(0), get(n), [
      set(value, add(load(own, ownAt(sub(t, i32(1)), j)), load(pairs, pairAt(t, j, k)))),
      store(LOGITS, j, get(value)),
      set(top, select(gt(get(value), get(top)), get(value), get(top))),
    ]),
    set(value, get(top)),
    when(gt(get(top), f64(Number.NEGATIVE_INFINITY)), [
      set(total, f64(0)),
      loop("j", i32(0), get(n), [set(total, add(get(total), exp(sub(load(LOGITS, j), get(top)))))]),
      set(value, add(get(top), log(get(total)))),
    ]),
    store(own, ownAt(t, k), add(load(own, ownAt(t, k)), get(value))),
  ]);
  const pairFromNext = load(pairs, pairAt(add(get(place), i32(1)), j, get(next)));
  const index0 = sub(sub(get(to), i32(1)), sub(t, get(from)));
  return [
    loop("p", i32(0), i32(paths.length), [
      set(n, int(counts, p)),
      set(from, int(pathStart, p)),
      set(to, int(pathStart, add(p, i32(1)))),
      loop("t", get(from), get(to), [
        loop("k", i32(0), get(n), [
          store(own, ownAt(t, k), f64(0)),
          loop("j", i32(0), get(n), [store(pairs, pairAt(t, j, k), f64(0))]),
        ]),
        ...additions(alone, lists, "alone", t, get(n), own, mul(t, i32(most))),
        ...pairAdditions,
        when(gt(t, get(from)), [filter]),
      ]),
      set(next, i32(-1)),
      loop("t", get(from), get(to), [
        set(place, index0),
        loop("j", i32(0), get(n), [
          set(value, load(own, ownAt(get(place), j))),
          when(ge(get(next), i32(0)), [set(value, add(get(value), pairFromNext))]),
          store(LOGITS, j, get(value)),
        ]),
        perform("discrete_choose", [get(n)], chosen),
        when(lt(get(chosen), i32(0)), [giveBack(i32(0))]),
        set(next, get(chosen)),
        set(base, int(ids, get(place))),
        store(STATES, get(base), asReal(get(next))),
      ]),
    ]),
  ];
}
