/**
 * Programs read at draws of discrete sites. A bit stands for a number z in [0, 1], a label of K values
 * for weights w on the simplex (Jang, Gu and Poole 2017; Maddison, Mnih and Teh 2017): hard draws are
 * the corners. What a program reads of them becomes the multilinear extension of the smallest real
 * expression around the reading, Σ_k w_k e(k), which is e itself at the corners: `theta[z]` is
 * Σ_k w_k theta[k], `if z then a else b` is z a + (1 − z) b. Readings that have none are refused.
 */
import { fail } from "../../base/diagnostic.js";
import type { Span } from "../../base/span.js";
import {
  type Expr,
  type Model,
  real,
  type Stmt,
  type Type,
  type Variable,
} from "../../model/ir.js";
import { printExpr } from "../../model/print.js";
import { printSize, type Size, sizeConst } from "../../model/size.js";
import { childExprs, dependsOnRandom, mapExpr, walkExpr, walkStmts } from "../../model/traverse.js";
import { inlineLets } from "../logjoint/discrete/inline-lets.js";
import { flattenIndex } from "../logjoint/indexing.js";
import {
  at,
  binderTo,
  call,
  constant,
  elementwise as f,
  loopVariable,
  sizeExpr,
} from "./expressions.js";
import { baseOf, mapStmt } from "./replicate.js";

type Site = Extract<Stmt, { kind: "site" }>;
type VarExpr = Extract<Expr, { kind: "var" }>;

/** How a discrete site's draws stand in a program. */
export interface Reading {
  /** `bit`: a number or a bool. `label`: K weights or an int. */
  readonly kind: "bit" | "label";
  /** Numbers between the corners; else bools and ints, which only indices need otherwise. */
  readonly soft: boolean;
  /** K of a label. */
  readonly size: Size;
}
export type Readings = ReadonlyMap<string, Reading>;

/** The readings of the sites that `soft` answers for: Bernoulli and Categorical ones alone. */
export function readingsOf(
  model: Model,
  soft: (site: string) => boolean | undefined,
): Map<string, Reading> {
  const found = new Map<string, Reading>();
  walkStmts(model.body, (s) => {
    if (s.kind !== "site") return;
    const isSoft = soft(s.name);
    const kind = kindOf(s);
    if (isSoft === undefined || kind === undefined) return;
    const size = kind === "label" ? labelSize(s) : sizeConst(2);
    const before = found.get(s.name);
    if (before !== undefined && printSize(before.size) !== printSize(size)) {
      fail("relaxed_reading", s.span, {
        site: s.name,
        text: `labels of ${printSize(size)} values`,
      });
    }
    found.set(s.name, { kind, soft: isSoft, size });
  });
  return found;
}

function kindOf(s: Site): Reading["kind"] | undefined {
  const base = baseOf(s.dist);
  if (base.kind !== "named") return undefined;
  if (base.name === "Bernoulli") return "bit";
  return base.name === "Categorical" ? "label" : undefined;
}

/** How many values a draw of a Categorical has. */
export function labelSize(s: Site): Size {
  const base = baseOf(s.dist);
  const p = base.kind === "named" ? (base.args.p ?? base.args.logits) : undefined;
  return p?.type.dims.at(-1) ?? sizeConst(2);
}

/** The program with its readings of drawn discrete sites rewritten; statements stay as they are. */
export function rewriteReadings(given: Model, readings: Readings): Model {
  if (readings.size === 0) return given;
  const names = new Set(readings.keys());
  const isWhole = (s: Extract<Stmt, { kind: "let" }>): boolean => s.value.type.scalar !== "real";
  const model = inlineLets(given, names, isWhole);
  const body = model.body.map((s) => mapStmt(s, new Rewriter(model, readings, names).rewrite));
  const variables = model.variables.map((v): Variable => {
    const reading = readings.get(v.name);
    if (reading?.soft !== true) return v;
    const type = softType(v.type, reading);
    return { ...v, type, eventRank: v.eventRank + (reading.kind === "label" ? 1 : 0) };
  });
  return { ...model, variables, body };
}

/** Weights have an axis of their own behind the site's. */
export function softType(type: Type, reading: Reading): Type {
  return {
    scalar: "real",
    dims: reading.kind === "bit" ? type.dims : [...type.dims, reading.size],
  };
}

/** Soft sites' own statements as their log mass, which is linear in the numbers or weights. */
export function linearMasses(model: Model, readings: Readings): Model {
  const go = (s: Stmt): Stmt => {
    if (s.kind === "for") return { ...s, body: s.body.map(go) };
    // biome-ignore lint/suspicious/noThenProperty: the branch's name in the IR, never awaited
    if (s.kind === "if") return { ...s, then: s.then.map(go), else: s.else.map(go) };
    const reading = s.kind === "site" ? readings.get(s.name) : undefined;
    return s.kind === "site" && reading?.soft ? linearMass(model, s, reading) : s;
  };
  return { ...model, body: model.body.map(go) };
}

/** z log p + (1 − z) log(1 − p) of a bit, Σ_k w_k log p_k of a label. */
function linearMass(model: Model, s: Site, reading: Reading): Stmt {
  const base = baseOf(s.dist);
  const variable = model.variables.find((v) => v.name === s.name);
  if (base.kind !== "named" || variable === undefined) {
    return fail("strategy_missing", s.dist.span, { site: s.name, strategy: "gumbel" });
  }
  const whole: Expr = {
    kind: "var",
    name: s.name,
    role: "site",
    span: s.span,
    type: variable.type,
  };
  const z = at(whole, s.indices);
  const { logits, p } = base.args;
  const isVector = Object.values(base.args).some((a) => a.type.dims.length > 0);
  if (s.dist.kind === "iid" && isVector) {
    // Repetitions of a vector: one at a time.
    const binders = s.dist.sizes.map((size, k) =>
      binderTo(`mass#${s.name}.${k}`, size, sizeExpr(size, s.span)),
    );
    const row = at(
      z,
      binders.map((b) => loopVariable(b.name, s.span)),
    );
    const mass = massOf(reading, row, logits, p);
    const body = mass.type.dims.length === 0 ? mass : call("sum", [mass], real);
    const value: Expr = { kind: "reduce", op: "sum", binders, body, span: s.span, type: real };
    return { kind: "factor", span: s.span, value };
  }
  const mass = massOf(reading, z, logits, p);
  const value = mass.type.dims.length === 0 ? mass : call("sum", [mass], real);
  return { kind: "factor", span: s.span, value };
}

function massOf(reading: Reading, z: Expr, logits: Expr | undefined, p: Expr): Expr {
  if (reading.kind === "label") {
    const log = logits === undefined ? f("log", p) : call("log_softmax", [logits], logits.type);
    return f("mul", z, log);
  }
  return logits === undefined
    ? f("add", f("mul", z, f("log", p)), f("mul", f("sub", 1, z), f("log1p", f("neg", p))))
    : f("sub", f("mul", z, logits), f("softplus", logits));
}

/** More readings of different elements than this in one expression are not summed over. */
const mostReads = 3;

class Rewriter {
  #fresh = 0;
  readonly #soft: ReadonlySet<string>;
  /** Ints and bools that depend on a site are read as their text. */
  readonly #locals = new Map<string, Expr>();
  readonly #dependent: ReadonlySet<string>;

  constructor(
    private readonly model: Model,
    private readonly readings: Readings,
    private readonly names: ReadonlySet<string>,
  ) {
    this.#soft = new Set([...readings].filter(([, r]) => r.soft).map(([name]) => name));
    const locals = new Map<string, Expr>();
    const collect = (e: Expr): void =>
      walkExpr(e, (x) => {
        if (x.kind === "block") for (const l of x.lets) locals.set(l.name, l.value);
      });
    walkStmts(model.body, (s) => {
      if (s.kind === "local") locals.set(s.name, s.value);
      mapStmt(s.kind === "for" ? { ...s, body: [] } : s, (e) => {
        collect(e);
        return e;
      });
    });
    const dependent = new Set(names);
    for (let before = -1; before !== dependent.size; ) {
      before = dependent.size;
      for (const [name, value] of locals) {
        if (value.type.scalar !== "real" && dependsOnRandom(value, dependent)) dependent.add(name);
      }
    }
    for (const [name, value] of locals) if (dependent.has(name)) this.#locals.set(name, value);
    this.#dependent = dependent;
  }

  readonly rewrite = (e: Expr): Expr => {
    if (!dependsOnRandom(e, this.#dependent)) return e;
    return this.#go(this.#expanded(e));
  };

  /** With the text of local ints and bools in their place. */
  #expanded(e: Expr): Expr {
    return mapExpr(e, (x) => {
      const value = x.kind === "var" && x.role === "local" ? this.#locals.get(x.name) : undefined;
      return value === undefined ? undefined : this.#expanded(value);
    });
  }

  #go(e: Expr): Expr {
    return mapExpr(e, (x) => {
      if (!dependsOnRandom(x, this.names)) return x;
      if (x.kind === "index" && !this.#isReading(x)) {
        const indexed = this.#indexed(x);
        if (indexed !== undefined) return indexed;
      }
      if (!dependsOnRandom(x, this.#soft)) return undefined;
      if (x.kind === "call" && (x.fn === "real" || x.fn === "int") && isWhole(x.args[0])) {
        return this.#extended(x.args[0]);
      }
      if (x.kind === "if" && isWhole(x) === false && dependsOnRandom(x.condition, this.#soft)) {
        const c = this.#extended(x.condition);
        const [yes, no] = [this.#go(x.then), this.#go(x.else)];
        return f("add", f("mul", c, yes), f("mul", f("sub", 1, c), no));
      }
      if (x.kind === "dist_method" && x.args.some((a) => isWhole(a))) {
        const reads = this.#elements(x.args.find(isWhole) ?? x, this.#soft);
        if (reads !== undefined && reads.length > 0) return this.#sum(reads, x);
      }
      return isWhole(x) ? this.#extended(x) : undefined;
    });
  }

  /** `z`, `z[i]` or a part of it, of a site. */
  #isReading(e: Expr): boolean {
    const target = e.kind === "index" ? flattenIndex(e).target : e;
    return target.kind === "var" && this.names.has(target.name);
  }

  #read(e: Expr): { variable: VarExpr; reading: Reading; isElement: boolean } | undefined {
    const { target, indices } =
      e.kind === "index" ? flattenIndex(e) : { target: e, indices: [] as const };
    if (target.kind !== "var") return undefined;
    const reading = this.readings.get(target.name);
    if (reading === undefined) return undefined;
    const isElement =
      e.type.dims.length === 0 &&
      indices.every((i) => i.kind === "at" && i.value.type.dims.length === 0);
    return { variable: target, reading, isElement };
  }

  /** The elements that `e` reads, each once; undefined where it reads more than elements. */
  #elements(e: Expr, names: ReadonlySet<string>): Expr[] | undefined {
    const found = new Map<string, Expr>();
    let ok = true;
    const look = (x: Expr): void => {
      if (!dependsOnRandom(x, names)) return;
      const read = this.#read(x);
      if (read !== undefined && names.has(read.variable.name)) {
        if (!read.isElement) ok = false;
        else found.set(printExpr(x), x);
        return;
      }
      // A reading whose own index is bound inside cannot be moved out.
      if (x.kind === "comprehension" || x.kind === "reduce" || x.kind === "block") ok = false;
      for (const child of childExprs(x)) look(child);
    };
    look(e);
    return ok && found.size <= mostReads ? [...found.values()] : undefined;
  }

  /** `target[…]` with indices that depend on a site. */
  #indexed(given: Extract<Expr, { kind: "index" }>): Expr | undefined {
    const { target, indices } = flattenIndex(given);
    const e: Expr = { ...given, target, indices };
    const drawn = indices.filter((i) => i.kind === "at" && dependsOnRandom(i.value, this.names));
    if (drawn.length === 0) return undefined;
    const array = indices.findIndex(
      (i) =>
        i.kind === "at" && i.value.type.dims.length > 0 && dependsOnRandom(i.value, this.names),
    );
    if (array >= 0) {
      const own = indices[array];
      if (own.kind !== "at" || !this.#isReading(own.value)) return this.#refuse(e);
      if (array > 0 || own.value.type.dims.length > 1) return this.#refuse(e);
      // One row for each of the indices.
      const binder = this.#binder(own.value.type.dims[0], e.span);
      const picked = at(own.value, [loopVariable(binder.name, e.span)]);
      const rest = indices.map((i, k) =>
        k === array ? { kind: "at" as const, value: picked } : i,
      );
      const type = { scalar: e.type.scalar, dims: e.type.dims.slice(1) };
      const body = this.#go({ ...e, indices: rest, type });
      const dims = [own.value.type.dims[0], ...body.type.dims];
      const made: Type = { scalar: body.type.scalar, dims };
      return { kind: "comprehension", binders: [binder], body, span: e.span, type: made };
    }
    const all = new Map<string, Expr>();
    for (const i of drawn) {
      if (i.kind !== "at") continue;
      const reads = this.#elements(i.value, this.names);
      if (reads === undefined) return this.#refuse(e);
      for (const r of reads) all.set(printExpr(r), r);
    }
    if (all.size > mostReads) return this.#refuse(e);
    const summed = this.#sum([...all.values()], e);
    if (e.type.scalar === "real" || dependsOnRandom(e, this.#soft)) return summed;
    if (e.type.scalar === "bool") return f("lt", constant(0.5, e.span), summed);
    return call("round", [summed], e.type);
  }

  /** The extension of an int or bool, as real numbers. */
  #extended(e: Expr): Expr {
    if (!dependsOnRandom(e, this.#soft)) return number(e);
    const read = this.#read(e);
    if (read?.reading.soft && (!read.isElement || read.reading.kind === "bit")) {
      if (read.reading.kind === "bit") return this.#weights(e, read.variable, read.reading);
      // Labels of an array: each by itself.
      const binders = e.type.dims.map((d) => this.#binder(d, e.span));
      const own = at(
        e,
        binders.map((b) => loopVariable(b.name, e.span)),
      );
      const body = this.#extended(own);
      const type: Type = { scalar: "real", dims: e.type.dims };
      return { kind: "comprehension", binders, body, span: e.span, type };
    }
    const reads = this.#elements(e, this.#soft);
    if (reads !== undefined && reads.length > 0) return this.#sum(reads, number(e));
    const type: Type = { scalar: "real", dims: e.type.dims };
    const isLinear = (fn: string): boolean =>
      ["add", "sub", "neg", "sum", "reshape", "concat"].includes(fn);
    if (e.kind === "call" && (e.fn === "real" || e.fn === "int")) return this.#extended(e.args[0]);
    if (e.kind === "call" && isLinear(e.fn)) {
      return { ...e, args: e.args.map((a) => this.#extended(a)), type };
    }
    if (e.kind === "call" && e.fn === "mul") {
      const [a, b] = e.args;
      const isOne = !(dependsOnRandom(a, this.#soft) && dependsOnRandom(b, this.#soft));
      if (isOne) return { ...e, args: [this.#extended(a), this.#extended(b)], type };
    }
    if (e.kind === "call" && e.fn === "not") return f("sub", 1, this.#extended(e.args[0]));
    if (e.kind === "array") return { ...e, items: e.items.map((x) => this.#extended(x)), type };
    const isSum = e.kind === "reduce" && (e.op === "sum" || e.op === "mean");
    if (e.kind === "comprehension" || isSum) return { ...e, body: this.#extended(e.body), type };
    return this.#refuse(e);
  }

  /** Σ over the values of the readings of Π weights · e, for e scalar or an array. */
  #sum(reads: readonly Expr[], e: Expr): Expr {
    const [first, ...others] = reads;
    if (first === undefined) return this.#go(e);
    const { variable, reading } = this.#read(first) ?? this.#refuse(e);
    const key = printExpr(first);
    const put = (value: Expr): Expr =>
      this.#sum(
        others,
        mapExpr(e, (x) => (printExpr(x) === key ? value : undefined)),
      );
    const w = this.#weights(first, variable, reading);
    if (reading.kind === "bit") {
      const yes = put(constant(1, e.span, "bool"));
      const no = put(constant(0, e.span, "bool"));
      return f("add", f("mul", w, number(yes)), f("mul", f("sub", 1, w), number(no)));
    }
    const binder = this.#binder(reading.size, e.span);
    const body = number(put(loopVariable(binder.name, e.span)));
    return this.#weighted(w, binder, body);
  }

  /** Σ_k w_k body(k) */
  #weighted(w: Expr, binder: ReturnType<typeof binderTo>, body: Expr): Expr {
    const { span } = body;
    const { dims } = body.type;
    if (dims.length > 1) {
      const row = this.#binder(dims[0], span);
      const inner = this.#weighted(w, binder, at(body, [loopVariable(row.name, span)]));
      const type: Type = { scalar: "real", dims };
      return { kind: "comprehension", binders: [row], body: inner, span, type };
    }
    const all: Type = { scalar: "real", dims: [binder.size, ...dims] };
    const rows: Expr = { kind: "comprehension", binders: [binder], body, span, type: all };
    return call("matmul", [w, rows], { scalar: "real", dims });
  }

  /** The number of a bit, the weights of a label. */
  #weights(read: Expr, variable: VarExpr, reading: Reading): Expr {
    const { span } = read;
    if (reading.soft) {
      const whole = { ...variable, type: softType(variable.type, reading) };
      const type = softType(read.type, reading);
      return read.kind === "index" ? { ...flattenIndexed(read), target: whole, type } : whole;
    }
    if (reading.kind === "bit") return number(read);
    const int: Type = { scalar: "int", dims: [reading.size] };
    const range = call("range", [constant(0, span, "int"), sizeExpr(reading.size, span)], int);
    const isEqual = call("eq", [range, read], { scalar: "bool", dims: [reading.size] });
    return number(isEqual);
  }

  #binder(size: Size, span: Span) {
    return binderTo(`reading#${this.#fresh++}.${this.model.name}`, size, sizeExpr(size, span));
  }

  #refuse(e: Expr): never {
    const site = [...this.names].find((n) => dependsOnRandom(e, new Set([n]))) ?? "";
    return fail("relaxed_reading", e.span, { site, text: printExpr(e) });
  }
}

const isWhole = (e: Expr): boolean => e.type.scalar !== "real";

function flattenIndexed(e: Extract<Expr, { kind: "index" }>): Extract<Expr, { kind: "index" }> {
  return { ...e, ...flattenIndex(e) };
}

/** A bool as 0 or 1, an int as it is. */
function number(e: Expr): Expr {
  const type: Type = { scalar: "real", dims: e.type.dims };
  if (e.type.scalar === "int") return call("real", [e], type);
  if (e.type.scalar === "real") return e;
  if (e.type.dims.length > 0) return { ...f("mul", e, 1), type };
  const [one, zero] = [constant(1, e.span), constant(0, e.span)];
  // biome-ignore lint/suspicious/noThenProperty: the branch's name in the IR, never awaited
  return { kind: "if", condition: e, then: one, else: zero, span: e.span, type };
}
