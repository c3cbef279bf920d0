/**
 * Dumps for people: `--dump ast` and `--dump tokens`. The tree is printed as text of the language
 * with every operation in parentheses, so that precedence shows; `printExpr` output parses back to
 * an equal tree.
 */
import type { IToken } from "../../grammar/chevrotain.js";
import { assertNever } from "../base/internal.js";
import { lineColumn, type Source } from "../base/span.js";
import type {
  Arg,
  Binder,
  Block,
  Decl,
  Expr,
  ImportDecl,
  Index,
  ParamDecl,
  SourceFile,
  Stmt,
  Target,
  TypeExpr,
} from "./ast.js";
import { tokenEnd } from "./lower-context.js";
import { writeString } from "./string-literal.js";

/** The whole tree, one declaration or statement a line, indented by depth. Ends with a line end. */
export function printAst(file: SourceFile): string {
  const lines = [...file.imports.map(printImport), ...file.decls.flatMap(declLines)];
  return lines.map((line) => `${line}\n`).join("");
}

/** One token a line: `line:column  Type  text`. */
export function printTokens(source: Source, tokens: readonly IToken[]): string {
  return tokens
    .map((token) => {
      const { line, column } = lineColumn(source.text, token.startOffset);
      const text = source.text.slice(token.startOffset, tokenEnd(token));
      const place = `${line}:${column}`.padEnd(8);
      return `${place} ${token.tokenType.name.padEnd(16)} ${JSON.stringify(text)}\n`;
    })
    .join("");
}

function printImport(node: ImportDecl): string {
  const path =
    typeof node.path === "string"
      ? writeString(node.path)
      : node.path.map((name) => name.text).join(".");
  return `import ${path}`;
}

const indent = (lines: readonly string[]) => lines.map((line) => `  ${line}`);

function declLines(decl: Decl): string[] {
  const doc = decl.doc === undefined ? [] : decl.doc.split("\n").map((line) => `/// ${line}`);
  const head = `${decl.kind} ${decl.name.text}(${decl.params.map(printParam).join(", ")})`;
  switch (decl.kind) {
    case "model":
    case "objective":
      return [...doc, head, ...blockLines(decl.body)];
    case "guide":
      return [...doc, `${head} for ${decl.model.text}`, ...blockLines(decl.body)];
    case "module":
      return [...doc, head, ...blockLines(decl.body), ...indent(decl.fns.flatMap(declLines))];
    case "fn": {
      const full = decl.result === undefined ? head : `${head} -> ${printType(decl.result)}`;
      return decl.body.kind === "block"
        ? [...doc, full, ...blockLines(decl.body)]
        : [...doc, `${full} = ${printExpr(decl.body)}`];
    }
    case "dist": {
      const members = decl.members.map((m) => {
        const params = m.params.length > 0 ? `(${m.params.map((p) => p.text).join(", ")})` : "";
        return `${m.name.text}${params} = ${printExpr(m.value)}`;
      });
      return [...doc, `${head} on ${printType(decl.support)}`, ...indent(members)];
    }
    default:
      return assertNever(decl, "printAst");
  }
}

function printParam(param: ParamDecl): string {
  const type = param.type === undefined ? "" : `: ${printType(param.type)}`;
  const value = param.default === undefined ? "" : ` = ${printExpr(param.default)}`;
  return `${param.name.text}${type}${value}`;
}

export function printType(type: TypeExpr): string {
  const args = type.args.length > 0 ? `(${type.args.map(printExpr).join(", ")})` : "";
  const sizes = type.sizes.length > 0 ? `[${type.sizes.map(printExpr).join(", ")}]` : "";
  return `${type.name.text}${args}${sizes}`;
}

function blockLines(block: Block): string[] {
  return indent(block.statements.flatMap(stmtLines));
}

function stmtLines(stmt: Stmt): string[] {
  switch (stmt.kind) {
    case "sample": {
      const using = stmt.using === undefined ? "" : ` using ${printExpr(stmt.using)}`;
      return [`${printTyped(stmt.target, stmt.type)} ~ ${printExpr(stmt.dist)}${using}`];
    }
    case "observe":
      return [`observe ${printExpr(stmt.value)} ~ ${printExpr(stmt.dist)}`];
    case "let":
      return [`let ${printTyped(stmt.target, stmt.type)} = ${printExpr(stmt.value)}`];
    case "param": {
      const init = stmt.init === undefined ? "" : ` = ${printExpr(stmt.init)}`;
      const next = stmt.next === undefined ? "" : ` then ${printExpr(stmt.next)}`;
      return [`param ${printTyped(stmt.target, stmt.type)}${init}${next}`];
    }
    case "factor":
      return [`factor ${printExpr(stmt.value)}`];
    case "return": {
      const players =
        stmt.players === undefined ? "" : ` for ${stmt.players.map(printExpr).join(", ")}`;
      return [`return ${printExpr(stmt.value)}${players}`];
    }
    case "for": {
      const to = stmt.to === undefined ? "" : printExpr(stmt.to);
      const head = `for ${stmt.variable.text} in ${printExpr(stmt.from)}..${to}`;
      return [head, ...blockLines(stmt.body)];
    }
    case "if": {
      const otherwise = stmt.else === undefined ? [] : ["else", ...blockLines(stmt.else)];
      return [`if ${printExpr(stmt.condition)}`, ...blockLines(stmt.then), ...otherwise];
    }
    default:
      return assertNever(stmt, "printAst");
  }
}

function printTyped(target: Target, type: TypeExpr | undefined): string {
  const indices = target.indices.map(printExpr).join(", ");
  const name = `${target.name.text}${target.indices.length > 0 ? `[${indices}]` : ""}`;
  return type === undefined ? name : `${name}: ${printType(type)}`;
}

/** An expression as text, every operation, condition and lambda in parentheses. */
export function printExpr(e: Expr): string {
  switch (e.kind) {
    case "number":
      return printNumber(e.value, e.isInt);
    case "bool":
      return String(e.value);
    case "string":
      return writeString(e.value);
    case "name":
      return e.name;
    case "array":
      return `[${e.items.map(printExpr).join(", ")}]`;
    case "unary":
      return `(${e.op}${printExpr(e.operand)})`;
    case "binary":
      return `(${printExpr(e.left)} ${e.op} ${printExpr(e.right)})`;
    case "if": {
      const { condition, then: yes, else: no } = e;
      return `(if ${printExpr(condition)} then ${printExpr(yes)} else ${printExpr(no)})`;
    }
    case "call":
      return `${printExpr(e.callee)}(${e.args.map(printArg).join(", ")})`;
    case "index":
      return `${printExpr(e.target)}[${e.indices.map(printIndex).join(", ")}]`;
    case "member":
      return `${printExpr(e.target)}.${e.name.text}`;
    case "lambda":
      return `((${e.params.map((p) => p.text).join(", ")}) => ${printExpr(e.body)})`;
    case "comprehension":
      return `[${printBinders(e.binders)}: ${printExpr(e.body)}]`;
    case "reduce":
      return `${e.op.text}(${printBinders(e.binders)}: ${printExpr(e.body)})`;
    default:
      return assertNever(e, "printExpr");
  }
}

function printNumber(value: number, isInt: boolean): string {
  if (value === Infinity) return "inf";
  const text = String(value);
  return isInt || /[.e]/.test(text) ? text : `${text}.0`;
}

function printArg(arg: Arg): string {
  return `${arg.name === undefined ? "" : `${arg.name.text}: `}${printExpr(arg.value)}`;
}

function printIndex(index: Index): string {
  if (index.kind === "at") return printExpr(index.value);
  const end = (e: Expr | undefined) => (e === undefined ? "" : printExpr(e));
  return `${end(index.from)}..${end(index.to)}`;
}

function printBinders(binders: readonly Binder[]): string {
  const parts = binders.map(
    (b) => `${b.variable.text} in ${printExpr(b.from)}..${printExpr(b.to)}`,
  );
  return `for ${parts.join(", ")}`;
}
