/** The model IR as text (`tilde compile --dump model`) and the parts that messages quote. */
import { assertNever } from "../base/internal.js";
import type { BuiltinName } from "./builtins.js";
import type { Binder, DistExpr, Expr, IndexArg, Model, Stmt, Support, Type } from "./ir.js";
import { printSize } from "./size.js";
import type { Strategy } from "./strategy.js";
import { isDistExpr } from "./traverse.js";

/** `real`, `int[N, 3]`. */
export function printType(t: Type): string {
  return t.dims.length === 0 ? t.scalar : `${t.scalar}[${t.dims.map(printSize).join(", ")}]`;
}

/** `positive`, `between(0, n)`, `category(K)`: as one declares it. */
export function printSupport(s: Support): string {
  switch (s.kind) {
    case "interval":
      if (s.upper === undefined) return s.lower === undefined ? "real" : `above(${show(s.lower)})`;
      if (s.lower === undefined) return `below(${show(s.upper)})`;
      return `between(${show(s.lower)}, ${show(s.upper)})`;
    case "category":
      return `category(${show(s.size)})`;
    case "integers":
      return `integers(${show(s.lower)}, ${show(s.upper)})`;
    default:
      return s.kind;
  }
}

const operators: Partial<Record<BuiltinName, { text: string; strength: number }>> = {
  or: { text: "||", strength: 1 },
  and: { text: "&&", strength: 2 },
  lt: { text: "<", strength: 3 },
  le: { text: "<=", strength: 3 },
  gt: { text: ">", strength: 3 },
  ge: { text: ">=", strength: 3 },
  eq: { text: "==", strength: 3 },
  ne: { text: "!=", strength: 3 },
  add: { text: "+", strength: 4 },
  sub: { text: "-", strength: 4 },
  mul: { text: "*", strength: 5 },
  div: { text: "/", strength: 5 },
  mod: { text: "%", strength: 5 },
  matmul: { text: "@", strength: 6 },
  pow: { text: "^", strength: 8 },
};

/** An expression as source text; names are the model's unique ones. */
export function printExpr(e: Expr): string {
  return show(e);
}

function show(e: Expr, outer = 0): string {
  switch (e.kind) {
    case "const":
      if (e.type.scalar === "bool") return e.value === 0 ? "false" : "true";
      return printNumber(e.value, e.type.scalar === "real", outer);
    case "var":
      return e.name;
    case "call": {
      const op = operators[e.fn];
      if (op !== undefined && e.args.length === 2) {
        // Brackets on the side where an operand of equal strength would associate otherwise.
        const [l, r] = e.fn === "pow" ? [1, 0] : [0, 1];
        const left = show(e.args[0], op.strength + l);
        const text = `${left} ${op.text} ${show(e.args[1], op.strength + r)}`;
        return op.strength < outer ? `(${text})` : text;
      }
      if (e.fn === "neg") return prefix("-", e.args[0], outer);
      if (e.fn === "not") return prefix("!", e.args[0], outer);
      return `${e.fn}(${e.args.map((a) => show(a)).join(", ")})`;
    }
    case "index":
      return `${show(e.target, 9)}[${e.indices.map(printIndex).join(", ")}]`;
    case "array":
      return `[${e.items.map((x) => show(x)).join(", ")}]`;
    case "if":
      return `(if ${show(e.condition)} then ${show(e.then)} else ${show(e.else)})`;
    case "comprehension":
      return `[for ${e.binders.map(printBinder).join(", ")}: ${show(e.body)}]`;
    case "reduce":
      return `${e.op}(for ${e.binders.map(printBinder).join(", ")}: ${show(e.body)})`;
    case "block":
      return `{ ${e.lets.map((l) => `let ${l.name} = ${show(l.value)}; `).join("")}return ${show(e.result)} }`;
    case "grad":
      return `grad(${e.variable} => ${show(e.body)})(${show(e.point)})`;
    case "dist_method":
      return e.method === "mean"
        ? `${printDist(e.dist)}.mean`
        : `${printDist(e.dist)}.${e.method}(${e.args.map((a) => show(a)).join(", ")})`;
    default:
      return assertNever(e, "printExpr");
  }
}

/** The strength of prefix operators stands between `@` and `^`. */
const prefixStrength = 7;

function prefix(op: string, operand: Expr, outer: number): string {
  const text = `${op}${show(operand, prefixStrength)}`;
  return outer > prefixStrength ? `(${text})` : text;
}

function printNumber(value: number, isReal: boolean, outer: number): string {
  if (value < 0 && outer > prefixStrength) return `(${printNumber(value, isReal, 0)})`;
  if (value === Number.POSITIVE_INFINITY) return "inf";
  if (value === Number.NEGATIVE_INFINITY) return "-inf";
  const text = String(value);
  return isReal && /^-?\d+$/.test(text) ? `${text}.0` : text;
}

function printIndex(i: IndexArg): string {
  if (i.kind === "at") return show(i.value);
  return `${i.from === undefined ? "" : show(i.from)}..${i.to === undefined ? "" : show(i.to)}`;
}

function printBinder(b: Binder): string {
  // The size of an unbounded plate is called `k..`.
  if (b.to.kind === "var" && b.to.name.endsWith("..")) return `${b.name} in ${show(b.from)}..`;
  return `${b.name} in ${show(b.from)}..${show(b.to)}`;
}

/** A distribution with its arguments by name. */
export function printDist(d: DistExpr): string {
  switch (d.kind) {
    case "named":
      return `${d.name}(${Object.entries(d.args)
        .map(([name, value]) => `${name}: ${show(value)}`)
        .join(", ")})`;
    case "iid":
      return `iid(${[printDist(d.base), ...d.sizes.map(printSize)].join(", ")})`;
    case "truncated": {
      const lower = d.lower === undefined ? [] : [`lower: ${show(d.lower)}`];
      const upper = d.upper === undefined ? [] : [`upper: ${show(d.upper)}`];
      return `${d.censored ? "Censored" : "Truncated"}(${[printDist(d.base), ...lower, ...upper].join(", ")})`;
    }
    case "mixture": {
      const each = d.binder === undefined ? "" : `for ${printBinder(d.binder)}: `;
      return `Mixture(${show(d.weights)}, [${each}${d.components.map(printDist).join(", ")}])`;
    }
    case "written": {
      const draws = d.sampler?.draws.map((x) => `${x.name} ~ ${printDist(x.dist)}`) ?? [];
      const members = [
        `logpdf(${d.variable}) = ${show(d.logpdf)}`,
        ...(d.cdf === undefined ? [] : [`cdf(${d.variable}) = ${show(d.cdf)}`]),
        ...(d.mean === undefined ? [] : [`mean = ${show(d.mean)}`]),
        ...draws,
        ...(d.sampler === undefined ? [] : [`sample = ${show(d.sampler.value)}`]),
      ];
      return `${d.name} { ${members.join("; ")} }`;
    }
    default:
      return assertNever(d, "printDist");
  }
}

/** A strategy as one writes it after `using`. */
export function printStrategy(s: Strategy): string {
  switch (s.kind) {
    case "reinforce":
      return s.baseline === "none" ? s.kind : `reinforce(baseline: ${s.baseline})`;
    case "gumbel":
    case "straight_through":
      return `${s.kind}(${show(s.temperature)})`;
    default:
      return s.kind;
  }
}

function printTarget(name: string, indices: readonly Expr[]): string {
  return indices.length === 0 ? name : `${name}[${indices.map((i) => show(i)).join(", ")}]`;
}

function printStmt(s: Stmt, indent: string): string[] {
  const inner = `${indent}  `;
  switch (s.kind) {
    case "site": {
      const mark = s.restricted ? "  // restricted" : "";
      const using = s.using === undefined ? "" : ` using ${printStrategy(s.using)}`;
      return [`${indent}${printTarget(s.name, s.indices)} ~ ${printDist(s.dist)}${using}${mark}`];
    }
    case "observe":
      return [`${indent}observe ${show(s.value)} ~ ${printDist(s.dist)}`];
    case "let":
      return [`${indent}let ${printTarget(s.name, s.indices)} = ${show(s.value)}`];
    case "local":
      return [`${indent}local ${s.name} = ${show(s.value)}`];
    case "param": {
      const target = `${indent}param ${printTarget(s.name, s.indices)}`;
      if (s.init === undefined) return [target];
      return [`${target} = ${isDistExpr(s.init) ? printDist(s.init) : show(s.init)}`];
    }
    case "factor":
      return [`${indent}factor ${show(s.value)}`];
    case "for":
      return [
        `${indent}for ${printBinder(s.binder)} {`,
        ...s.body.flatMap((t) => printStmt(t, inner)),
        `${indent}}`,
      ];
    case "if":
      return [
        `${indent}if ${show(s.condition)} {`,
        ...s.then.flatMap((t) => printStmt(t, inner)),
        ...(s.else.length === 0
          ? []
          : [`${indent}} else {`, ...s.else.flatMap((t) => printStmt(t, inner))]),
        `${indent}}`,
      ];
    default:
      return assertNever(s, "printStmt");
  }
}

/** The whole model: inputs, sizes, variables with types and supports, then the statements. */
export function printModel(m: Model): string {
  const lines = [`model ${m.name}`];
  for (const i of m.inputs) {
    const value = i.default === undefined ? "" : ` = ${show(i.default)}`;
    lines.push(`  input ${i.name}: ${printType(i.type)} in ${printSupport(i.support)}${value}`);
  }
  for (const name of m.boundSizes) lines.push(`  size ${name}`);
  for (const [name, e] of Object.entries(m.opaqueSizes)) lines.push(`  size ${name} = ${show(e)}`);
  for (const v of m.variables) {
    const event = v.eventRank === 0 ? "" : ` event ${v.eventRank}`;
    const observed = { all: " observed", some: " observed in part" } as const;
    const given = v.given === undefined ? "" : observed[v.given];
    const known = v.role === "let" && !v.random ? " known" : given;
    const support = printSupport(v.support);
    lines.push(`  ${v.role} ${v.name}: ${printType(v.type)}${event} in ${support}${known}`);
  }
  if (m.unbounded !== undefined) {
    const { size, label, variables } = m.unbounded;
    lines.push(`  unbounded ${size}: ${variables.join(", ")} labelled by ${label}`);
  }
  lines.push("body", ...m.body.flatMap((s) => printStmt(s, "  ")));
  for (const { param, next } of m.states ?? []) lines.push(`  then ${param} = ${show(next)}`);
  return `${lines.join("\n")}\n`;
}
