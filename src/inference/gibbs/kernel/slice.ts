/**
 * Slice updates as kernels, scalar by scalar, with the words and arithmetic of `slice.ts`: each
 * evaluation costs the entries of the log joint that read the scalar. `update_slice_<site>(sweep)`
 * gives 1, or 0 where the state has no positive density.
 */
import {
  add,
  and,
  call,
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
  lt,
  mul,
  perform,
  select,
  set,
  store,
  sub,
  unary,
  when,
  whileLoop,
} from "../../../kernel/build.js";
import type { Buffer, Expr, KernelFunction, Local, Stmt } from "../../../kernel/ir.js";
import { inputBuffer } from "../../conditionals/kernels.js";
import type { LocalDensity } from "../local/density.js";
import { ADAPTED_FROM, LEAST_WIDTH, MAX_STEPS } from "../slice.js";
import { log, real, seedStream, uniformDraw, whole } from "./random.js";

/** Whether the sweep adapts: 1 in the warmup. */
export const ADAPT = "gibbs_adapt";
export const adaptBuffer: Buffer = {
  name: ADAPT,
  element: "f64",
  length: 1,
  region: "workspace",
};

/** What the slices of a site have learned: see `sliceBuffers`. */
export const widthsBuffer = (site: number): string => `slice_widths_${site}`;
export const movedBuffer = (site: number): string => `slice_moved_${site}`;
export const adaptedBuffer = (site: number): string => `slice_adapted_${site}`;

export interface SliceSite {
  readonly site: number;
  readonly length: number;
  /** Whole numbers n, by n + u with u uniform on (0, 1). */
  readonly isWhole: boolean;
  /** Undefined where the whole density is evaluated (`density_<site>`). */
  readonly local: LocalDensity | undefined;
}

const asInt = (x: Expr): Expr => ({ kind: "convert", type: "i32", fn: "i32_from_f64", x });
const isNone = (x: Expr): Expr => unary("eqz", eq(x, x));
const isBounded = (x: Expr): Expr => lt(unary("abs", x), f64(Number.POSITIVE_INFINITY));
const floor = (x: Expr): Expr => unary("floor", x);

export function sliceFunctions(own: SliceSite): {
  readonly buffers: readonly Buffer[];
  readonly functions: readonly KernelFunction[];
} {
  const { site, length, local } = own;
  const numbers = (name: string, size: number): Buffer => {
    return { name, element: "f64", length: size, region: "workspace" };
  };
  const buffers: Buffer[] = [
    numbers(widthsBuffer(site), length),
    numbers(movedBuffer(site), length),
    numbers(adaptedBuffer(site), 1),
    numbers(known(site), 2),
  ];
  if (local !== undefined && local.groups.length > 0) {
    const [group, place] = [new Int32Array(length), new Int32Array(length)];
    local.groups.forEach((elements, k) => {
      elements.forEach((e, at) => {
        group[e] = k;
        place[e] = at;
      });
    });
    buffers.push(
      { name: groupBuffer(site), element: "i32", length, region: "constant", data: group },
      { name: placeBuffer(site), element: "i32", length, region: "constant", data: place },
    );
  }
  const functions = [density(own), evaluation(own), update(own)];
  return { buffers, functions: [...(hasFixed(own) ? [fixedPart(own)] : []), ...functions] };
}

const groupBuffer = (site: number): string => `slice_group_${site}`;
const placeBuffer = (site: number): string => `slice_place_${site}`;
/** The value that was evaluated last, and its log density. */
const known = (site: number): string => `slice_known_${site}`;

/** `slice_density_<site>(e)`: the log density that element e has, up to a constant. */
function density({ site, local }: SliceSite): KernelFunction {
  const e = whole("e");
  const fixed = real("fixed");
  const body: Stmt[] = [];
  if (local === undefined) body.push(giveBack(call(`density_${site}`, [])));
  else {
    const place = load(placeBuffer(site), get(e), "i32");
    body.push(
      store(`element_${site}`, i32(0), {
        kind: "convert",
        type: "f64",
        fn: "f64_from_i32",
        x: place,
      }),
    );
    if (local.window > 0) {
      body.push(
        set(fixed, call(`slice_fixed_${site}`, [get(e)])),
        when(eq(get(fixed), f64(Number.NEGATIVE_INFINITY)), [giveBack(get(fixed))]),
      );
    }
    body.push(
      ...byGroup(site, local, e, "local", (value) =>
        giveBack(local.window > 0 ? add(get(fixed), value) : value),
      ),
    );
  }
  return { name: `slice_density_${site}`, params: [e], result: "f64", body, exported: true };
}

/** What the group's kernel gives, by the group of element e. */
function byGroup(
  site: number,
  { groups }: LocalDensity,
  e: Local,
  kind: "local" | "fixed",
  take: (value: Expr) => Stmt,
): Stmt[] {
  const value = (group: number): Stmt => take(call(`${kind}_${site}_${group}`, []));
  const last = groups.length - 1;
  let all: Stmt[] = [value(last)];
  for (let group = last - 1; group >= 0; group--) {
    const isOwn = eq(load(groupBuffer(site), get(e), "i32"), i32(group));
    all = [when(isOwn, [value(group)], all)];
  }
  return all;
}

const hasFixed = ({ local }: SliceSite): boolean => local !== undefined && local.window > 0;

/**
 * `slice_fixed_<site>(e)`: the part of the density that depends on the element's value and on data
 * alone. It is the same whenever the value comes again, so that it is kept: 0 stands for unknown, and
 * where it is 0 it is computed each time.
 */
function fixedPart({ site, local }: SliceSite): KernelFunction {
  const e = whole("e");
  const at = whole("at");
  const [x, found] = ["x", "found"].map(real);
  const window = local?.window ?? 0;
  const own = local === undefined ? [] : byGroup(site, local, e, "fixed", (v) => set(found, v));
  const isNear = and(ge(get(x), f64(0)), lt(get(x), f64(window)));
  return {
    name: `slice_fixed_${site}`,
    params: [e],
    result: "f64",
    body: [
      set(x, load(inputBuffer(site), get(e))),
      when(
        isNear,
        [
          set(at, add(mul(get(e), i32(window)), asInt(get(x)))),
          set(found, load(`fixed_${site}`, get(at))),
          when(eq(get(found), f64(0)), [...own, store(`fixed_${site}`, get(at), get(found))]),
        ],
        own,
      ),
      giveBack(get(found)),
    ],
    exported: false,
  };
}

/** `slice_at_<site>(x, e)`: puts element e at x; its log density there, −∞ for NaN. */
function evaluation({ site, isWhole }: SliceSite): KernelFunction {
  const e = whole("e");
  const [x, value, found] = ["x", "value", "found"].map(real);
  return {
    name: `slice_at_${site}`,
    params: [x, e],
    result: "f64",
    body: [
      set(value, isWhole ? floor(get(x)) : get(x)),
      // Neighbours share a whole number.
      when(eq(get(value), load(known(site), i32(0))), [giveBack(load(known(site), i32(1)))]),
      store(inputBuffer(site), get(e), get(value)),
      set(found, call(`slice_density_${site}`, [get(e)])),
      set(found, select(isNone(get(found)), f64(Number.NEGATIVE_INFINITY), get(found))),
      store(known(site), i32(0), get(value)),
      store(known(site), i32(1), get(found)),
      giveBack(get(found)),
    ],
    exported: false,
  };
}

function update({ site, length, isWhole, local }: SliceSite): KernelFunction {
  const values = inputBuffer(site);
  const sweep = whole("sweep");
  const [toLeft, toRight, open] = ["to_left", "to_right", "open"].map(whole);
  const [before, start, lp, level, width, left, right, x, y, adapted] = [
    "before",
    "start",
    "lp",
    "level",
    "width",
    "left",
    "right",
    "x",
    "y",
    "adapted",
  ].map(real);
  const e = index("e");
  const at = (place: Expr): Expr => call(`slice_at_${site}`, [place, e]);
  const isAdapting = gt(load(ADAPT, i32(0)), f64(0));
  const moves = load(movedBuffer(site), e);
  const least = isWhole ? 1 : LEAST_WIDTH;
  const mean = { kind: "binary", type: "f64", fn: "div", x: mul(f64(2), moves), y: get(adapted) };
  const doubled = mean as Expr;
  const stepOut = (steps: typeof toLeft, end: typeof left, by: Expr): Stmt => {
    return whileLoop(gt(get(steps), i32(0)), [
      set(y, at(get(end))),
      when(
        gt(get(y), get(level)),
        [set(end, add(get(end), by)), set(steps, sub(get(steps), i32(1)))],
        [set(steps, i32(0))],
      ),
    ]);
  };
  return {
    name: `update_slice_${site}`,
    params: [sweep],
    result: "i32",
    body: [
      seedStream(site + 1, get(sweep)),
      ...(local?.isPrepared === true ? [perform(`prepare_${site}`, [])] : []),
      set(adapted, load(adaptedBuffer(site), i32(0))),
      when(isAdapting, [
        set(adapted, add(get(adapted), f64(1))),
        store(adaptedBuffer(site), i32(0), get(adapted)),
      ]),
      loop("e", i32(0), i32(length), [
        set(before, load(values, e)),
        set(lp, call(`slice_density_${site}`, [e])),
        when(unary("eqz", isBounded(get(lp))), [giveBack(i32(0))]),
        store(known(site), i32(0), get(before)),
        store(known(site), i32(1), get(lp)),
        set(start, isWhole ? add(get(before), uniformDraw()) : get(before)),
        set(level, add(get(lp), log(uniformDraw()))),
        set(width, load(widthsBuffer(site), e)),
        set(left, sub(get(start), mul(get(width), uniformDraw()))),
        set(right, add(get(left), get(width))),
        set(toLeft, asInt(mul(f64(MAX_STEPS), uniformDraw()))),
        set(toRight, sub(i32(MAX_STEPS - 1), get(toLeft))),
        stepOut(toLeft, left, sub(f64(0), get(width))),
        stepOut(toRight, right, get(width)),
        set(x, get(start)),
        set(open, i32(1)),
        whileLoop(get(open), [
          set(x, add(get(left), mul(sub(get(right), get(left)), uniformDraw()))),
          set(y, at(get(x))),
          when(
            gt(get(y), get(level)),
            [set(open, i32(0))],
            [
              when(
                eq(get(x), get(start)),
                // The interval has shrunk to where it began: rounding leaves no other number.
                [set(open, i32(0))],
                [when(lt(get(x), get(start)), [set(left, get(x))], [set(right, get(x))])],
              ),
            ],
          ),
        ]),
        store(values, e, isWhole ? floor(get(x)) : get(x)),
        when(isAdapting, [
          store(movedBuffer(site), e, add(moves, unary("abs", sub(get(x), get(before))))),
          when(gt(get(adapted), f64(ADAPTED_FROM - 1)), [
            store(widthsBuffer(site), e, {
              kind: "binary",
              type: "f64",
              fn: "max",
              x: f64(least),
              y: doubled,
            }),
          ]),
        ]),
      ]),
      giveBack(i32(1)),
    ],
    exported: true,
  };
}
