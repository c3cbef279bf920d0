/**
 * The draw of a normal block as a kernel: the sparse precision from the probes' gradients, its
 * Cholesky factor by the planned operations, one solve for the mean and the noise together:
 * x = Pᵀ L⁻ᵀ (L⁻¹ P b + z) for b the gradient at the origin.
 */
import {
  add,
  div,
  eq,
  f64,
  ge,
  get,
  giveBack,
  gt,
  i32,
  index,
  load,
  loop,
  mul,
  perform,
  select,
  set,
  store,
  sub,
  unary,
  when,
} from "../../../kernel/build.js";
import type { Buffer, Expr, KernelFunction, Local, Stmt } from "../../../kernel/ir.js";
import { sqrt } from "../../../kernel/mathlib/define.js";
import { inputBuffer } from "../../conditionals/kernels.js";
import { FAR, type JointNormal } from "../joint.js";
import { normalDraw, real, seedStream, whole } from "./random.js";

/** Probes of at most so many colours are compiled into one function. */
export const COMPILED_COLOURS = 24;

export const isProbedAtOnce = (block: JointNormal): boolean =>
  block.colourCount <= COMPILED_COLOURS;

/** Factors of at most so many entries and updates are written out, without loops or indices. */
const WRITTEN_OUT = 800;

/**
 * The same as straight-line code on locals: a small block then costs little more than its
 * arithmetic.
 */
function writtenOut(block: JointNormal, id: number, lengths: readonly number[]): readonly Stmt[] {
  const { factor, length: n, reads } = block;
  const { start, rows, targets, order } = factor;
  const probes = `joint_${id}_probes`;
  const entry = (e: number): Local => real(`l${e}`);
  const work = (k: number): Local => real(`w${k}`);
  const inverse = (k: number): Local => real(`d${k}`);
  const body: Stmt[] = [];
  const probe = (at: number): Expr => load(probes, i32(at));
  reads.forEach((r, e) => {
    const value = r < 0 ? f64(0) : mul(sub(probe(r % n), probe(r)), f64(1 / FAR));
    body.push(set(entry(e), value));
  });
  for (let k = 0; k < n; k++) body.push(set(work(k), probe(order[k])));
  let next = 0;
  for (let k = 0; k < n; k++) {
    const pivot = get(entry(start[k]));
    body.push(
      when(unary("eqz", gt(pivot, f64(0))), [giveBack(i32(0))]),
      set(inverse(k), div(f64(1), sqrt(pivot))),
      set(work(k), mul(get(work(k)), get(inverse(k)))),
    );
    for (let i = start[k] + 1; i < start[k + 1]; i++) {
      body.push(
        set(entry(i), mul(get(entry(i)), get(inverse(k)))),
        set(work(rows[i]), sub(get(work(rows[i])), mul(get(entry(i)), get(work(k))))),
      );
    }
    for (let i = start[k] + 1; i < start[k + 1]; i++) {
      for (let j = i; j < start[k + 1]; j++) {
        const target = entry(targets[next++]);
        body.push(set(target, sub(get(target), mul(get(entry(i)), get(entry(j))))));
      }
    }
    body.push(set(work(k), add(get(work(k)), normalDraw())));
  }
  const owner: { readonly buffer: string; readonly at: number }[] = [];
  block.sites.forEach((site, s) => {
    for (let at = 0; at < lengths[s]; at++) owner.push({ buffer: inputBuffer(site), at });
  });
  for (let k = n - 1; k >= 0; k--) {
    let value = get(work(k));
    for (let i = start[k] + 1; i < start[k + 1]; i++) {
      value = sub(value, mul(get(entry(i)), get(work(rows[i]))));
    }
    const { buffer, at } = owner[order[k]];
    body.push(set(work(k), mul(value, get(inverse(k)))), store(buffer, i32(at), get(work(k))));
  }
  return body;
}

/** `update_joint_<id>(sweep)` and what it needs. `lengths` are those of the block's sites. */
export function jointFunction(
  block: JointNormal,
  id: number,
  site: number,
  lengths: readonly number[],
): { readonly buffers: readonly Buffer[]; readonly functions: readonly KernelFunction[] } {
  const { factor, length: n, colourCount } = block;
  const name = (part: string): string => `joint_${id}_${part}`;
  const ints = (part: string, data: Int32Array): Buffer => ({
    name: name(part),
    element: "i32",
    length: Math.max(1, data.length),
    region: "constant",
    data: data.length === 0 ? new Int32Array(1) : data,
  });
  const numbers = (part: string, length: number): Buffer => ({
    name: name(part),
    element: "f64",
    length,
    region: "workspace",
  });
  const int = (part: string, at: Expr): Expr => load(name(part), at, "i32");
  const entry = (at: Expr): Expr => load(name("entries"), at);
  const work = (at: Expr): Expr => load(name("work"), at);
  const [sweep, from, to, next, row] = ["sweep", "from", "to", "next", "row"].map(whole);
  const [pivot, value] = [real("pivot"), real("value")];
  const [k, i, j, e] = ["k", "i", "j", "e"].map(index);
  const gradients = name("probes");

  const entries: readonly Stmt[] = [
    loop("e", i32(0), i32(factor.rows.length), [
      set(row, int("reads", e)),
      set(value, f64(0)),
      when(ge(get(row), i32(0)), [
        set(
          value,
          div(sub(load(gradients, int("origins", e)), load(gradients, get(row))), f64(FAR)),
        ),
      ]),
      store(name("entries"), e, get(value)),
    ]),
  ];
  const column: readonly Stmt[] = [
    set(from, int("start", k)),
    set(to, int("start", add(k, i32(1)))),
  ];
  const factorisation: readonly Stmt[] = [
    set(next, i32(0)),
    loop("k", i32(0), i32(n), [
      ...column,
      set(pivot, entry(get(from))),
      when(unary("eqz", gt(get(pivot), f64(0))), [giveBack(i32(0))]),
      set(pivot, sqrt(get(pivot))),
      store(name("entries"), get(from), get(pivot)),
      set(pivot, div(f64(1), get(pivot))),
      loop("i", add(get(from), i32(1)), get(to), [
        store(name("entries"), i, mul(entry(i), get(pivot))),
      ]),
      loop("i", add(get(from), i32(1)), get(to), [
        set(value, entry(i)),
        loop("j", i, get(to), [
          set(row, int("targets", get(next))),
          store(name("entries"), get(row), sub(entry(get(row)), mul(get(value), entry(j)))),
          set(next, add(get(next), i32(1))),
        ]),
      ]),
    ]),
  ];
  const forward: readonly Stmt[] = [
    loop("k", i32(0), i32(n), [store(name("work"), k, load(gradients, int("order", k)))]),
    loop("k", i32(0), i32(n), [
      ...column,
      set(value, div(work(k), entry(get(from)))),
      loop("i", add(get(from), i32(1)), get(to), [
        set(row, int("rows", i)),
        store(name("work"), get(row), sub(work(get(row)), mul(entry(i), get(value)))),
      ]),
      store(name("work"), k, add(get(value), normalDraw())),
    ]),
  ];
  const last = sub(i32(n - 1), j);
  const backward: readonly Stmt[] = [
    loop("j", i32(0), i32(n), [
      set(next, last),
      set(from, int("start", get(next))),
      set(to, int("start", add(get(next), i32(1)))),
      set(value, work(get(next))),
      loop("i", add(get(from), i32(1)), get(to), [
        set(value, sub(get(value), mul(entry(i), work(int("rows", i))))),
      ]),
      store(name("work"), get(next), div(get(value), entry(get(from)))),
    ]),
  ];
  const places = new Int32Array(n);
  factor.order.forEach((v, at) => {
    places[v] = at;
  });
  let offset = 0;
  const spread: Stmt[] = [];
  block.sites.forEach((s, at) => {
    const own = offset;
    offset += lengths[at];
    spread.push(
      loop("i", i32(0), i32(lengths[at]), [
        store(inputBuffer(s), i, work(int("places", add(i, i32(own))))),
      ]),
    );
  });
  if (isProbedAtOnce(block) && factor.rows.length + factor.targets.length <= WRITTEN_OUT) {
    const body = [
      seedStream(site, get(sweep)),
      perform(gradients, []),
      ...writtenOut(block, id, lengths),
      giveBack(i32(1)),
    ];
    const update: KernelFunction = {
      name: `update_joint_${id}`,
      params: [sweep],
      result: "i32",
      body,
      exported: true,
    };
    return { buffers: [], functions: [update] };
  }
  const probe = isProbedAtOnce(block) ? [perform(gradients, [])] : probing(block, id, lengths);
  return {
    buffers: [
      ints("reads", block.reads),
      ints(
        "origins",
        block.reads.map((r) => (r < 0 ? 0 : r % n)),
      ),
      ints("start", factor.start),
      ints("rows", factor.rows),
      ints("targets", factor.targets),
      ints("order", factor.order),
      ints("places", places),
      ...(isProbedAtOnce(block)
        ? []
        : [ints("colours", block.colours), numbers("probes", (colourCount + 1) * n)]),
      numbers("entries", factor.rows.length),
      numbers("work", n),
    ],
    functions: [
      {
        name: `update_joint_${id}`,
        params: [sweep],
        result: "i32",
        body: [
          seedStream(site, get(sweep)),
          ...probe,
          ...entries,
          ...factorisation,
          ...forward,
          ...backward,
          ...spread,
          giveBack(i32(1)),
        ],
        exported: true,
      },
    ],
  };
}

/** The gradients at every probe by a gradient call each (`joint_<id>_grad`). */
function probing(block: JointNormal, id: number, lengths: readonly number[]): readonly Stmt[] {
  const { length: n, colourCount } = block;
  const c = index("c");
  const i = index("i");
  const moved = (at: number): Expr => {
    const colour = load(`joint_${id}_colours`, add(i, i32(at)), "i32");
    return eq(add(colour, i32(1)), c);
  };
  let offset = 0;
  const place: Stmt[] = block.sites.map((s, k) => {
    const at = offset;
    offset += lengths[k];
    return loop("i", i32(0), i32(lengths[k]), [
      store(inputBuffer(s), i, select(moved(at), f64(FAR), f64(0))),
    ]);
  });
  return [
    loop("c", i32(0), i32(colourCount + 1), [
      ...place,
      perform(`joint_${id}_grad`, []),
      loop("i", i32(0), i32(n), [
        store(`joint_${id}_probes`, add(mul(c, i32(n)), i), load(`joint_${id}_grad`, i)),
      ]),
    ]),
  ];
}
