/**
 * Expressions of the model IR as closures over a frame of variables: direct evaluation, one index
 * tuple at a time, by the definition of each kind of expression.
 */

import { internalError } from "../../base/internal.js";
import { logsumexp } from "../../math/special/index.js";
import { binaryBuiltins, reductionBuiltins, unaryBuiltins } from "../../model/builtins.js";
import type { DataValue } from "../../model/data.js";
import type { Expr, ReduceOp } from "../../model/ir.js";
import type { Size } from "../../model/size.js";
import { compileBinder, type Loop } from "./binder.js";
import {
  binaryRules,
  mapBinary,
  mapUnary,
  mismatch,
  reductionRules,
  rule,
  structuralRules,
  unaryRules,
} from "./builtins.js";
import {
  type ArrayFn,
  type Compiler,
  type Frame,
  type ScalarFn,
  scalarValue,
  slotArray,
  slotNumber,
} from "./frame.js";
import { compileGrad } from "./grad.js";
import { compileElement, compileIndex } from "./indexing.js";
import type { LocalCompiler } from "./local.js";
import { compileMethod } from "./method.js";

type ExprOf<K extends Expr["kind"]> = Extract<Expr, { kind: K }>;
/** A scalar closure for expressions of rank 0, an array closure for others. */
interface Rule<K extends Expr["kind"]> {
  readonly scalar: (c: LocalCompiler, e: ExprOf<K>) => ScalarFn;
  readonly array: (c: LocalCompiler, e: ExprOf<K>) => ArrayFn;
}

const isUnary: ReadonlySet<string> = new Set(unaryBuiltins);
const isBinary: ReadonlySet<string> = new Set(binaryBuiltins);
const isReduction: ReadonlySet<string> = new Set(reductionBuiltins);

const noScalar = (c: LocalCompiler, e: Expr): ScalarFn => {
  const value = c.array(e);
  return (f) => value(f).data[0];
};
const noArray = (_: LocalCompiler, e: Expr): never => internalError(`${e.kind} is no array`);

const rules: { readonly [K in Expr["kind"]]: Rule<K> } = {
  const: { scalar: (_, e) => () => e.value, array: noArray },
  var: { scalar: scalarVariable, array: arrayVariable },
  call: { scalar: scalarCall, array: arrayCall },
  index: { scalar: compileElement, array: compileIndex },
  array: { scalar: noScalar, array: arrayOfItems },
  if: {
    scalar: (c, e) => {
      const [condition, yes, no] = [c.scalar(e.condition), c.scalar(e.then), c.scalar(e.else)];
      return (f) => (condition(f) !== 0 ? yes(f) : no(f));
    },
    array: (c, e) => {
      const [condition, yes, no] = [c.scalar(e.condition), c.value(e.then), c.value(e.else)];
      return (f) => (condition(f) !== 0 ? yes(f) : no(f));
    },
  },
  comprehension: { scalar: noScalar, array: comprehension },
  reduce: { scalar: reduction, array: noArray },
  block: {
    scalar: (c, e) => {
      const slots = e.lets.map((l) => c.defineLocal(l.name, l.value));
      const result = c.scalar(e.result);
      return (f) => {
        for (const s of slots) f.slots[s] = undefined;
        return result(f);
      };
    },
    array: (c, e) => {
      const slots = e.lets.map((l) => c.defineLocal(l.name, l.value));
      const result = c.array(e.result);
      return (f) => {
        for (const s of slots) f.slots[s] = undefined;
        return result(f);
      };
    },
  },
  grad: {
    scalar: (c, e) => {
      const value = compileGrad(c, e);
      return (f) => value(f).data[0];
    },
    array: (c, e) => compileGrad(c, e),
  },
  dist_method: {
    scalar: (c, e) => {
      const value = compileMethod(c, e);
      return (f) => value(f).data[0];
    },
    array: (c, e) => compileMethod(c, e),
  },
};

/** A compiler with no names yet. */
export function makeCompiler(): LocalCompiler {
  const names = new Map<string, number>();
  const locals = new Map<string, { slot: number; value: ScalarFn | ArrayFn }>();
  const localSlots = new Set<number>();
  const slot = (name: string): number => {
    const known = names.get(name);
    if (known !== undefined) return known;
    names.set(name, names.size);
    return names.size - 1;
  };
  const c: LocalCompiler = {
    names,
    localSlots,
    slot,
    // The rule's node narrows with the key, which indexing a union cannot express.
    scalar: (e) => (rules[e.kind] as Rule<Expr["kind"]>).scalar(c, e as never),
    array: (e) => (rules[e.kind] as Rule<Expr["kind"]>).array(c, e as never),
    value: (e) => {
      if (e.type.dims.length > 0) return c.array(e);
      const x = c.scalar(e);
      return (f) => scalarValue(x(f));
    },
    size: (s) => compileSize(c, s),
    defineLocal: (name, value) => {
      const at = slot(name);
      localSlots.add(at);
      // Values of locals are computed where they are first read: one that is not read in the
      // branch taken need not have a value there.
      locals.set(name, {
        slot: at,
        value: value.type.dims.length === 0 ? c.scalar(value) : c.array(value),
      });
      return at;
    },
    bindLocal: (name) => {
      const at = slot(name);
      locals.set(name, { slot: at, value: () => internalError(`${name} has no value`) });
      return at;
    },
    local: (name) => locals.get(name) ?? internalError(`the local ${name} is not in scope`),
  };
  return c;
}

function compileSize(c: Compiler, size: Size): ScalarFn {
  const terms = size.terms.map((t) => ({
    coefficient: t.coefficient,
    factors: t.names.map((name) => ({ name, slot: c.slot(name) })),
  }));
  return (f) => {
    let total = 0;
    for (const { coefficient, factors } of terms) {
      let product = coefficient;
      for (const { slot, name } of factors) product *= slotNumber(f, slot, name);
      total += product;
    }
    return total;
  };
}

function scalarVariable(c: LocalCompiler, e: ExprOf<"var">): ScalarFn {
  const { name } = e;
  if (e.role === "local") {
    const { slot, value } = c.local(name);
    return (f) => {
      const known = f.slots[slot];
      if (typeof known === "number") return known;
      const made = (value as ScalarFn)(f);
      f.slots[slot] = made;
      return made;
    };
  }
  const slot = c.slot(name);
  return (f) => slotNumber(f, slot, name);
}

function arrayVariable(c: LocalCompiler, e: ExprOf<"var">): ArrayFn {
  const { name } = e;
  if (e.role === "local") {
    const { slot, value } = c.local(name);
    return (f) => {
      const known = f.slots[slot];
      if (typeof known === "object") return known;
      const made = (value as ArrayFn)(f);
      f.slots[slot] = made;
      return made;
    };
  }
  const slot = c.slot(name);
  return (f) => slotArray(f, slot, name);
}

function scalarCall(c: LocalCompiler, e: ExprOf<"call">): ScalarFn {
  const { fn, args, span } = e;
  if (isUnary.has(fn)) {
    const f = rule<(x: number) => number>(unaryRules, fn);
    const x = c.scalar(args[0]);
    return (frame) => f(x(frame));
  }
  if (isBinary.has(fn)) {
    const [x, y] = args.map(c.scalar);
    // The second operand may be defined only where the first decides nothing: i > 0 && x[i − 1].
    if (fn === "and") return (frame) => (x(frame) !== 0 && y(frame) !== 0 ? 1 : 0);
    if (fn === "or") return (frame) => (x(frame) !== 0 || y(frame) !== 0 ? 1 : 0);
    const f = rule<(x: number, y: number) => number>(binaryRules, fn);
    return (frame) => f(x(frame), y(frame));
  }
  if (isReduction.has(fn)) {
    const f = rule<(x: Float64Array) => number>(reductionRules, fn);
    const x = c.value(args[0]);
    return (frame) => f(x(frame).data);
  }
  const f = rule<(typeof structuralRules)["matmul"]>(structuralRules, fn);
  const values = args.map(c.value);
  return (frame) =>
    f(
      values.map((v) => v(frame)),
      span,
    ).data[0];
}

function arrayCall(c: LocalCompiler, e: ExprOf<"call">): ArrayFn {
  const { fn, span } = e;
  const values = e.args.map(c.value);
  if (isUnary.has(fn)) {
    const f = rule<(x: number) => number>(unaryRules, fn);
    return (frame) => mapUnary(f, values[0](frame));
  }
  if (isBinary.has(fn)) {
    const f = rule<(x: number, y: number) => number>(binaryRules, fn);
    return (frame) => mapBinary(f, values[0](frame), values[1](frame), span);
  }
  const f = rule<(typeof structuralRules)["matmul"]>(structuralRules, fn);
  return (frame) =>
    f(
      values.map((v) => v(frame)),
      span,
    );
}

function arrayOfItems(c: LocalCompiler, e: ExprOf<"array">): ArrayFn {
  const items = e.items.map(c.value);
  return (f) =>
    stack(
      items.map((item) => item(f)),
      [items.length],
      e,
    );
}

/** Values of equal dims along new leading axes, whose sizes multiply to the values' number. */
function stack(values: readonly DataValue[], lead: readonly number[], e: Expr): DataValue {
  if (values.length === 0) return { dims: lead, data: new Float64Array(0) };
  const [first] = values;
  const data = new Float64Array(values.length * first.data.length);
  values.forEach((v, i) => {
    if (v.dims.some((d, k) => d !== first.dims[k])) mismatch(first, v, e.span);
    data.set(v.data, i * first.data.length);
  });
  return { dims: [...lead, ...first.dims], data };
}

/** Calls `body` for every tuple of the loops' variables, the last one fastest. */
function forLoops(loops: readonly Loop[], f: Frame, body: () => void, depth = 0): void {
  if (depth === loops.length) {
    body();
    return;
  }
  const { slot, from, to } = loops[depth];
  const end = to(f);
  for (let i = from(f); i < end; i++) {
    f.slots[slot] = i;
    forLoops(loops, f, body, depth + 1);
  }
}

function comprehension(c: LocalCompiler, e: ExprOf<"comprehension">): ArrayFn {
  const loops = e.binders.map((b) => compileBinder(c, b));
  const isScalar = e.body.type.dims.length === 0;
  const scalar = isScalar ? c.scalar(e.body) : undefined;
  const array = isScalar ? undefined : c.array(e.body);
  const bodySizes = e.body.type.dims.map(c.size);
  return (f) => {
    const lead = loops.map(({ slot, from, to }) => {
      const start = from(f);
      f.slots[slot] = start;
      return Math.max(0, to(f) - start);
    });
    const count = lead.reduce((n, d) => n * d, 1);
    if (scalar !== undefined) {
      const data = new Float64Array(count);
      let n = 0;
      forLoops(loops, f, () => {
        data[n++] = scalar(f);
      });
      // A ragged shape is no array; its typing is refused, so the counts agree.
      return n === count ? { dims: lead, data } : internalError("a ragged comprehension");
    }
    if (array === undefined) return internalError("a comprehension without a body");
    const rows: DataValue[] = [];
    forLoops(loops, f, () => {
      rows.push(array(f));
    });
    if (rows.length !== count) return internalError("a ragged comprehension");
    if (count > 0) return stack(rows, lead, e);
    const dims = [...lead, ...bodySizes.map((s) => s(f))];
    return { dims, data: new Float64Array(0) };
  };
}

const reducers: { readonly [K in ReduceOp]: (x: Float64Array) => number } = {
  ...reductionRules,
  logsumexp: (x) => logsumexp(x),
};

function reduction(c: LocalCompiler, e: ExprOf<"reduce">): ScalarFn {
  const loops = e.binders.map((b) => compileBinder(c, b));
  const body = c.scalar(e.body);
  const reduce = reducers[e.op];
  return (f) => {
    const values: number[] = [];
    forLoops(loops, f, () => {
      values.push(body(f));
    });
    return reduce(Float64Array.from(values));
  };
}
