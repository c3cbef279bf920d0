/** Kernel IR as readable text, for `--dump kernel`. */
import { assertNever } from "../base/internal.js";
import type { BinaryInstr, Buffer, Expr, KernelFunction, KernelModule, Stmt } from "./ir.js";

const infix: Partial<Record<BinaryInstr, string>> = {
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  rem: "%",
  and: "&",
  or: "|",
  xor: "^",
  shl: "<<",
  shr_s: ">>",
  shr_u: ">>>",
  eq: "==",
  ne: "!=",
  lt: "<",
  le: "<=",
  gt: ">",
  ge: ">=",
};

/** Higher binds tighter; operators that share a level are grouped to the left. */
const levels: Partial<Record<BinaryInstr, number>> = {
  or: 1,
  xor: 2,
  and: 3,
  eq: 4,
  ne: 4,
  lt: 5,
  le: 5,
  gt: 5,
  ge: 5,
  shl: 6,
  shr_s: 6,
  shr_u: 6,
  add: 7,
  sub: 7,
  mul: 8,
  div: 8,
  rem: 8,
};
const SELECT_LEVEL = 0;
const UNARY_LEVEL = 9;

/** Buffers, then functions, each statement on a line. */
export function printModule(module: KernelModule): string {
  const parts = [
    module.buffers.map(printBuffer).join("\n"),
    ...module.functions.map(printFunction),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function printBuffer({ region, element, name, length, data }: Buffer): string {
  const shown = data === undefined ? "" : ` = ${preview(data)}`;
  return `${region} ${element} ${name}[${length}]${shown}`;
}

function preview(data: Float64Array | Int32Array): string {
  const first = Array.from(data.subarray(0, 6), String).join(", ");
  return data.length > 6 ? `{${first}, …}` : `{${first}}`;
}

/** One function. */
export function printFunction(fn: KernelFunction): string {
  const params = fn.params.map(({ name, type }) => `${name}: ${type}`).join(", ");
  const result = fn.result === undefined ? "" : `: ${fn.result}`;
  const head = `${fn.exported ? "export " : ""}fn ${fn.name}(${params})${result} {`;
  return [head, ...printBody(fn.body, "  "), "}"].join("\n");
}

function printBody(body: readonly Stmt[], indent: string): string[] {
  return body.flatMap((stmt) => printStmt(stmt, indent));
}

function printStmt(stmt: Stmt, indent: string): string[] {
  const inner = (body: readonly Stmt[]) => printBody(body, `${indent}  `);
  switch (stmt.kind) {
    case "set":
      return [`${indent}${stmt.local.name}: ${stmt.local.type} = ${printExpr(stmt.value)}`];
    case "store": {
      const target = `${stmt.buffer}[${printExpr(stmt.index)}]`;
      return [`${indent}${target} = ${printExpr(stmt.value)}`];
    }
    case "for": {
      const step = stmt.step === 1 ? "" : ` step ${stmt.step}`;
      const range = `${printExpr(stmt.from)}..${printExpr(stmt.to)}${step}`;
      const reductions = stmt.parallel?.reductions.map(({ local, fn }) => `${fn} ${local}`) ?? [];
      const suffix = reductions.length === 0 ? "" : ` reducing ${reductions.join(", ")}`;
      const word = stmt.concurrent
        ? "concurrent for"
        : stmt.parallel === undefined
          ? "for"
          : "parallel for";
      const head = `${indent}${word} ${stmt.index} in ${range}${suffix} {`;
      return [head, ...inner(stmt.body), `${indent}}`];
    }
    case "tile": {
      const { rows, columns, width, left, right, out, onto, steps, of } = stmt;
      const [x, y] = [left, right].map(({ buffer, at }) => `${buffer}[${printExpr(at)}]`);
      const strides = `rows by ${left.row}, steps by ${left.step}`;
      const to = `${out.buffer}[${printExpr(out.at)}] rows by ${out.row}`;
      const added =
        onto.kind === "const" ? (onto.value === 0 ? "=" : "+=") : `= ${printExpr(onto)} +`;
      const sum = `sum of ${printExpr(steps)} steps of ${x} (${strides}) * ${y}`;
      return [`${indent}tile ${of} ${rows}x${width} of ${columns}: ${to} ${added} ${sum}`];
    }
    case "while":
      return [`${indent}while ${printExpr(stmt.condition)} {`, ...inner(stmt.body), `${indent}}`];
    case "if": {
      const head = `${indent}if ${printExpr(stmt.condition)} {`;
      const otherwise = stmt.else.length === 0 ? [] : [`${indent}} else {`, ...inner(stmt.else)];
      return [head, ...inner(stmt.then), ...otherwise, `${indent}}`];
    }
    case "call": {
      const call = `${stmt.fn}(${stmt.args.map((arg) => printExpr(arg)).join(", ")})`;
      const { result } = stmt;
      return [`${indent}${result === undefined ? "" : `${result.name}: ${result.type} = `}${call}`];
    }
    case "return":
      return [`${indent}return${stmt.value === undefined ? "" : ` ${printExpr(stmt.value)}`}`];
    default:
      return assertNever(stmt, "kernel statement");
  }
}

/** An expression, with the parentheses that operator levels ask for. */
export function printExpr(e: Expr, level = SELECT_LEVEL): string {
  switch (e.kind) {
    case "const":
      return printConst(e.type, e.value);
    case "local":
      return e.name;
    case "load":
      return `${e.buffer}[${printExpr(e.index)}]`;
    case "unary":
      return e.fn === "neg" ? `-${printExpr(e.x, UNARY_LEVEL)}` : `${e.fn}(${printExpr(e.x)})`;
    case "binary": {
      const symbol = infix[e.fn];
      const own = levels[e.fn];
      if (symbol === undefined || own === undefined) {
        return `${e.fn}(${printExpr(e.x)}, ${printExpr(e.y)})`;
      }
      const text = `${printExpr(e.x, own)} ${symbol} ${printExpr(e.y, own + 1)}`;
      return own < level ? `(${text})` : text;
    }
    case "select": {
      const [condition, then] = [printExpr(e.condition, 1), printExpr(e.then, 1)];
      const text = `${condition} ? ${then} : ${printExpr(e.else, SELECT_LEVEL)}`;
      return level > SELECT_LEVEL ? `(${text})` : text;
    }
    case "convert":
      return `${e.fn}(${printExpr(e.x)})`;
    case "call":
      return `${e.fn}(${e.args.map((arg) => printExpr(arg)).join(", ")})`;
    default:
      return assertNever(e, "kernel expression");
  }
}

/** f64 literals keep a point or exponent and i64 ones an `n`, so that types can be read off. */
function printConst(type: string, value: number | bigint): string {
  if (type === "i64") return `${value}n`;
  const text = Object.is(value, -0) ? "-0" : String(value);
  return type === "f64" && /^-?\d+$/.test(text) ? `${text}.0` : text;
}
