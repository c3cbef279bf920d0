/** CST → AST for declarations and imports. */
import type { CstNode, IToken } from "../../grammar/chevrotain.js";
import type {
  DistDeclarationCstNode,
  DistMemberCstNode,
  FileCstNode,
  FnDeclarationCstNode,
  GuideDeclarationCstNode,
  ImportDeclarationCstNode,
  ModelDeclarationCstNode,
  ModuleDeclarationCstNode,
  ObjectiveDeclarationCstNode,
  ParameterCstNode,
  ParametersCstNode,
} from "../../grammar/generated/cst.js";
import { DocComment } from "../../grammar/tokens.js";
import { internalError } from "../base/internal.js";
import type {
  Decl,
  DistDecl,
  DistMember,
  FnDecl,
  ImportDecl,
  ModuleDecl,
  ParamDecl,
} from "./ast.js";
import {
  inTextOrder,
  type LowerContext,
  lowerName,
  nodeSpan,
  nodeStart,
  tokenEnd,
} from "./lower-context.js";
import { lowerExpression, lowerType } from "./lower-expressions.js";
import { checkSeparated, lowerBlock, lowerStatement } from "./lower-statements.js";
import { readString } from "./string-literal.js";

type DeclarationNode =
  | ModelDeclarationCstNode
  | GuideDeclarationCstNode
  | FnDeclarationCstNode
  | ModuleDeclarationCstNode
  | ObjectiveDeclarationCstNode
  | DistDeclarationCstNode;

/** The parts of one `file` node, in the order of the text. */
export function lowerFile(
  cx: LowerContext,
  node: FileCstNode,
): { imports: ImportDecl[]; decls: Decl[] } {
  const c = node.children;
  const imports = c.importDeclaration ?? [];
  const declarations = inTextOrder<DeclarationNode>(
    c.modelDeclaration,
    c.guideDeclaration,
    c.fnDeclaration,
    c.moduleDeclaration,
    c.objectiveDeclaration,
    c.distDeclaration,
  );
  checkSeparated(cx, inTextOrder<CstNode>(imports, declarations), c.Separator ?? []);
  return {
    imports: imports.map((i) => lowerImport(cx, i)),
    decls: declarations.map((d) => lowerDeclaration(cx, d)),
  };
}

function lowerImport(cx: LowerContext, node: ImportDeclarationCstNode): ImportDecl {
  const { StringLiteral, Identifier } = node.children;
  const path =
    StringLiteral === undefined
      ? (Identifier ?? []).map((token) => lowerName(cx, token))
      : readString(StringLiteral[0].image).value;
  return { kind: "import", span: nodeSpan(cx, node), path };
}

function lowerDeclaration(cx: LowerContext, node: DeclarationNode): Decl {
  const base = {
    span: nodeSpan(cx, node),
    name: lowerName(cx, node.children.Identifier[0]),
    params: lowerParameters(cx, node.children.parameters[0]),
    doc: docAbove(cx, nodeStart(node)),
  };
  switch (node.name) {
    case "modelDeclaration":
      return { kind: "model", ...base, body: lowerBlock(cx, node.children.block[0]) };
    case "objectiveDeclaration":
      return { kind: "objective", ...base, body: lowerBlock(cx, node.children.block[0]) };
    case "guideDeclaration": {
      const model = lowerName(cx, node.children.model[0]);
      return { kind: "guide", ...base, model, body: lowerBlock(cx, node.children.block[0]) };
    }
    case "fnDeclaration":
      return lowerFn(cx, node, base);
    case "moduleDeclaration":
      return lowerModule(cx, node, base);
    case "distDeclaration":
      return lowerDist(cx, node, base);
  }
}

type Base = Pick<FnDecl, "span" | "name" | "params" | "doc">;

function lowerFn(cx: LowerContext, node: FnDeclarationCstNode, base: Base): FnDecl {
  const { type, expression, block } = node.children;
  const result = type === undefined ? undefined : lowerType(cx, type[0]);
  if (expression !== undefined) {
    return { kind: "fn", ...base, result, body: lowerExpression(cx, expression[0]) };
  }
  if (block === undefined) return internalError("`fn` without body");
  return { kind: "fn", ...base, result, body: lowerBlock(cx, block[0]) };
}

function lowerModule(cx: LowerContext, node: ModuleDeclarationCstNode, base: Base): ModuleDecl {
  const { fnDeclaration, statement, Separator, LBrace } = node.children;
  const fns = fnDeclaration ?? [];
  const statements = statement ?? [];
  checkSeparated(cx, inTextOrder<CstNode>(fns, statements), Separator ?? []);
  return {
    kind: "module",
    ...base,
    body: {
      kind: "block",
      span: { ...base.span, start: LBrace[0].startOffset },
      statements: statements.map((s) => lowerStatement(cx, s)),
    },
    fns: fns.map((f) => {
      const inner = {
        span: nodeSpan(cx, f),
        name: lowerName(cx, f.children.Identifier[0]),
        params: lowerParameters(cx, f.children.parameters[0]),
        doc: docAbove(cx, nodeStart(f)),
      };
      return lowerFn(cx, f, inner);
    }),
  };
}

function lowerDist(cx: LowerContext, node: DistDeclarationCstNode, base: Base): DistDecl {
  const { type, distMember, Separator } = node.children;
  const members = distMember ?? [];
  checkSeparated(cx, members, Separator ?? []);
  return {
    kind: "dist",
    ...base,
    support: lowerType(cx, type[0]),
    members: members.map((m) => lowerMember(cx, m)),
  };
}

function lowerMember(cx: LowerContext, node: DistMemberCstNode): DistMember {
  const { Identifier, parameter, expression } = node.children;
  return {
    span: nodeSpan(cx, node),
    name: lowerName(cx, Identifier[0]),
    params: (parameter ?? []).map((token) => lowerName(cx, token)),
    value: lowerExpression(cx, expression[0]),
  };
}

function lowerParameters(cx: LowerContext, node: ParametersCstNode): ParamDecl[] {
  return (node.children.parameter ?? []).map((p) => lowerParameter(cx, p));
}

function lowerParameter(cx: LowerContext, node: ParameterCstNode): ParamDecl {
  const { Identifier, type, expression } = node.children;
  return {
    span: nodeSpan(cx, node),
    name: lowerName(cx, Identifier[0]),
    type: type === undefined ? undefined : lowerType(cx, type[0]),
    default: expression === undefined ? undefined : lowerExpression(cx, expression[0]),
  };
}

/** The text of the `///` lines that end on the line above `offset`, or `undefined`. */
function docAbove(cx: LowerContext, offset: number): string | undefined {
  const lines: string[] = [];
  let below = offset;
  for (let i = lastBefore(cx.comments, offset); i >= 0; i--) {
    const comment = cx.comments[i];
    if (comment.tokenType !== DocComment) break;
    if (
      !/^[^\S\n\r]*(?:\r\n|\n|\r)[^\S\n\r]*$/.test(cx.source.text.slice(tokenEnd(comment), below))
    ) {
      break;
    }
    lines.push(comment.image.replace(/^\/\/\/ ?/, "").trimEnd());
    below = comment.startOffset;
  }
  return lines.length === 0 ? undefined : lines.reverse().join("\n");
}

/** The position of the last comment that starts before `offset`, or −1. */
function lastBefore(comments: readonly IToken[], offset: number): number {
  let low = 0;
  let high = comments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (comments[middle].startOffset < offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
