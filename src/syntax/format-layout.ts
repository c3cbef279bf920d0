/**
 * Where a part of a statement that does not fit on its line is broken, for parts without comments
 * and blocks. From the outside in: after the `=` of a definition; at `then` and `else`; before the
 * operators that bind weakest, as many operands on a line as fit; and last inside the brackets of a
 * single operand. Types, binders and the heads of comprehensions stay together.
 *
 * What is printed depends on the tokens alone, so that formatting twice changes nothing; and lines
 * end only where `layout.ts` of the grammar lets a statement go on.
 */
import { binaryOperators, type OperatorRule } from "../../grammar/operators.js";
import * as t from "../../grammar/tokens.js";
import { internalError } from "../base/internal.js";
import { type Flat, firstToken, flatNodes, lastPrinted, width } from "./format-flat.js";
import { maxWidth, type Output } from "./format-output.js";
import { describe, endsOperand, type Printed } from "./format-spacing.js";
import type { Group, Node } from "./format-tree.js";

type Nodes = readonly Node[];

/** The indents of a part's further lines. */
interface Indents {
  /** Of the line that the part begins on: closing brackets stand there. */
  readonly own: number;
  /** Of lines that begin with an operator. */
  readonly row: number;
}

const nested = (own: number): Indents => ({ own, row: own + 2 });

/** Prints nodes that can stand on one line; `reserve` columns stay free behind them. */
export function layout(out: Output, nodes: Nodes, indents: Indents, reserve: number): void {
  const flat = flatOf(nodes, out.last);
  if (out.fits(flat, reserve)) {
    out.put(flat);
    return;
  }
  const commas = nodes.flatMap((n, i) =>
    isToken(n, t.Comma) && i < nodes.length - 1 ? [i + 1] : [],
  );
  if (commas.length > 0) {
    // The binders of a `for` statement: elsewhere commas stand inside brackets.
    row(out, cutAt(nodes, commas), indents, reserve);
    return;
  }
  const head = headLength(nodes);
  if (head > 0) {
    out.put(flatOf(nodes.slice(0, head), out.last));
    layout(out, nodes.slice(head), indents, reserve);
    return;
  }
  const equal = nodes.findIndex((n) => isToken(n, t.Equal) || isToken(n, t.Tilde));
  if (equal > 0 && equal < nodes.length - 1) {
    definition(out, nodes, equal, indents, reserve);
    return;
  }
  const pieces = piecesOf(nodes, out.last);
  if (pieces.length === 1) operand(out, nodes, indents, reserve);
  else if (isChoice(nodes)) choice(out, pieces, indents, reserve);
  else row(out, pieces, indents, reserve);
}

/** Words, argument names and lambda heads that what follows them never leaves. */
function headLength(nodes: Nodes): number {
  const [first, second] = nodes;
  if (nodes.length < 2) return 0;
  if (isToken(first, t.Return) || isToken(first, t.Factor) || isToken(first, t.Then)) return 1;
  if (isToken(first, t.Else) || (isToken(first, t.If) && !isChoice(nodes))) return 1;
  // `x: real[N] = 1` is a definition; `scale: e` names an argument.
  const names = second.kind === "token" && second.token.tokenType === t.Colon;
  if (names && nodes.length > 2 && !nodes.some((n) => isToken(n, t.Equal))) return 2;
  const arrow = nodes.findIndex((n) => isToken(n, t.FatArrow));
  return arrow > 0 && arrow < nodes.length - 1 ? arrow + 1 : 0;
}

/** `head = body`, `target ~ distribution`. */
function definition(
  out: Output,
  nodes: Nodes,
  equal: number,
  indents: Indents,
  reserve: number,
): void {
  const sign = nodes[equal];
  const body = nodes.slice(equal + 1);
  const flatHead = flatOf(nodes.slice(0, equal + 1), out.last);
  const headBreaks = !out.fits(flatHead, 0);
  if (headBreaks) layout(out, nodes.slice(0, equal), indents, width(" ="));
  out.put(headBreaks ? flatOf([sign], out.last) : flatHead);
  const flat = flatOf(body, out.last);
  if (out.fits(flat, reserve)) {
    out.put(flat);
    return;
  }
  const below = nested(indents.own + 2);
  const fitsBelow = below.own + width(flat.text.trimStart()) + reserve <= maxWidth;
  const draws = isToken(sign, t.Tilde);
  const isSingle = !isChoice(body) && piecesOf(body, out.last).length === 1;
  const canHang = isSingle && out.column + leadWidth(body, out.last) <= maxWidth;
  // After a long head a body of several lines stands better below it.
  const used = out.column - indents.own;
  const mayHang = canHang && used < maxWidth / 2;
  const mayFill = !isSingle && !isChoice(body) && used < maxWidth / 3;
  const stays = mayHang ? draws || !fitsBelow : mayFill && !fitsBelow;
  if (stays || !mayBeginLine(body[0])) {
    layout(out, body, indents, reserve);
    return;
  }
  out.newline(below.own);
  layout(out, body, below, reserve);
}

/** A line that begins with some words would begin a statement. */
function mayBeginLine(node: Node): boolean {
  const token = firstToken(node);
  if (token === undefined) return false;
  return token.tokenType === t.If || !(token.tokenType.CATEGORIES?.includes(t.Keyword) ?? false);
}

/** Operands and operators, filled into lines. */
function row(out: Output, pieces: readonly Nodes[], indents: Indents, reserve: number): void {
  pieces.forEach((piece, i) => {
    const after = i === pieces.length - 1 ? reserve : 0;
    const flat = flatOf(piece, out.last);
    if (i > 0 && !out.fits(flat, after)) out.newline(indents.row);
    if (out.fits(flat, after)) out.put(flat);
    else if (i === 0) layout(out, piece, indents, after);
    else if (isOperator(piece[0])) signed(out, piece, nested(indents.row), after);
    else layout(out, piece, nested(indents.row), after);
  });
}

function isOperator(node: Node): boolean {
  return (
    node.kind === "token" && (node.token.tokenType.CATEGORIES?.includes(t.BinaryOperator) ?? false)
  );
}

/** An operator and its operand. */
function signed(out: Output, piece: Nodes, indents: Indents, reserve: number): void {
  out.put(flatOf(piece.slice(0, 1), out.last));
  layout(out, piece.slice(1), indents, reserve);
}

/** `if c then a else b`: each branch on a line. */
function choice(out: Output, pieces: readonly Nodes[], indents: Indents, reserve: number): void {
  const branch = out.fresh ? out.column : indents.row;
  pieces.forEach((piece, i) => {
    const after = i === pieces.length - 1 ? reserve : 0;
    if (i > 0) out.newline(branch);
    layout(out, piece, { own: branch, row: branch + 4 }, after);
  });
}

/** A name with calls, indices and members, or the head of a declaration: its main bracket breaks. */
function operand(out: Output, nodes: Nodes, indents: Indents, reserve: number): void {
  const main = mainGroup(nodes, out.last);
  nodes.forEach((node, i) => {
    const flat = flatOf([node], out.last, firstToken(nodes[i + 1]));
    const rest = flatOf(nodes.slice(i + 1), flat.last);
    if (node.kind === "group" && (i === main || !out.fits(flat, 0))) {
      brokenGroup(out, node, indents, width(rest.text) + reserve);
    } else out.put(flat);
  });
}

/** The bracket to break: the widest round one, or the widest where only square ones are. */
function mainGroup(nodes: Nodes, last: Printed | undefined): number {
  let best = -1;
  let size = 0;
  nodes.forEach((node, i) => {
    if (node.kind !== "group" || node.items.length === 0) return;
    const isRound = node.open.tokenType !== t.LBracket;
    const columns = width(flatOf([node], last).text) + (isRound ? 10 * maxWidth : 0);
    if (columns > size) [best, size] = [i, columns];
  });
  return best;
}

/** The columns that a single operand takes before its first line break. */
function leadWidth(nodes: Nodes, last: Printed | undefined): number {
  const main = mainGroup(nodes, last);
  const group = nodes[main];
  if (group?.kind !== "group") return maxWidth + 1;
  const before = flatOf(nodes.slice(0, main), last);
  const open: Node = { kind: "token", token: group.open };
  const head = binders(group);
  return width(flatOf([...nodes.slice(0, main), open, ...(head ?? [])], before.last).text);
}

function brokenGroup(out: Output, g: Group, indents: Indents, reserve: number): void {
  const opening = describe(g.open, out.last, undefined);
  // A bracket after an operand calls or indexes; any other one groups or makes an array.
  const groups = g.open.tokenType === t.LParen && !endsOperand(out.last);
  out.token(opening);
  const [only] = g.items;
  const close = () => out.token(describe(g.close, out.last, undefined));
  const head = binders(g);
  const inner = indents.own + 2;
  if (head !== undefined) {
    out.put(flatOf(head, out.last));
    const body = g.items[g.items.length - 1].nodes;
    const colon = body.findIndex((n) => isToken(n, t.Colon));
    out.newline(inner);
    layout(out, body.slice(colon + 1), nested(inner), reserve + 1);
    close();
    return;
  }
  if (g.items.length === 1 && (groups || hangs(only.nodes, out.last))) {
    layout(out, only.nodes, indents, reserve + 1);
    close();
    return;
  }
  const isFilled = g.open.tokenType === t.LBracket && g.items.every((x) => isAtom(x.nodes));
  g.items.forEach((item, i) => {
    const comma = i < g.items.length - 1 ? 1 : 0;
    const flat = flatOf(item.nodes, out.last);
    if (i === 0 || !isFilled || !out.fits(flat, comma)) out.newline(inner);
    layout(out, item.nodes, nested(inner), comma);
    if (comma > 0) out.put(flatOf([{ kind: "token", token: commaToken(g) }], out.last));
  });
  out.newline(indents.own);
  close();
}

function commaToken(g: Group) {
  const tokenTypeIdx = t.Comma.tokenTypeIdx ?? 0;
  return { ...g.open, image: ",", tokenType: t.Comma, tokenTypeIdx };
}

/** `for i in a..b, j in c..d:` of a comprehension or reduction, or undefined. */
function binders(g: Group): Nodes | undefined {
  const [first] = g.items;
  if (first === undefined || !isToken(first.nodes[0], t.For) || first.nodes.length < 3) {
    return undefined;
  }
  const comma: Node = { kind: "token", token: commaToken(g) };
  const before = g.items.slice(0, -1).flatMap((item) => [...item.nodes, comma]);
  const { nodes } = g.items[g.items.length - 1];
  const colon = nodes.findIndex((n) => isToken(n, t.Colon));
  return [...before, ...nodes.slice(0, colon + 1)];
}

/** A sole argument that is itself a bracket: both open on one line. */
function hangs(nodes: Nodes, last: Printed | undefined): boolean {
  return nodes.at(-1)?.kind === "group" && piecesOf(nodes, last).length === 1;
}

function isAtom(nodes: Nodes): boolean {
  return nodes.length <= 2 && nodes.every((n) => n.kind === "token");
}

function isToken(node: Node | undefined, type: typeof t.For): boolean {
  return node?.kind === "token" && node.token.tokenType === type;
}

/** An `if` expression (not the head of an `if` statement). */
function isChoice(nodes: Nodes): boolean {
  return isToken(nodes[0], t.If) && nodes.some((n) => isToken(n, t.Then));
}

const rules: Readonly<Record<string, OperatorRule>> = binaryOperators;
/** `^` is tight. */
const strongest = binaryOperators["@"].strength;

/** The parts of a choice or of a row of operators, each from the second on after its separator. */
function piecesOf(nodes: Nodes, before: Printed | undefined): readonly Nodes[] {
  if (isChoice(nodes)) {
    const elses = nodes.flatMap((n, i) => (isToken(n, t.Else) ? [i] : []));
    if (elses.length > 0) return cutAt(nodes, elses);
    return cutAt(nodes, [nodes.findIndex((n) => isToken(n, t.Then))]);
  }
  let last = before;
  let weakest = strongest + 1;
  let places: number[] = [];
  nodes.forEach((node, i) => {
    if (node.kind === "token") {
      const printed = describe(node.token, last, firstToken(nodes[i + 1]));
      if (isOperator(node) && !printed.isPrefix && i > 0) {
        const { strength } = rules[node.token.image];
        if (strength < weakest) [weakest, places] = [strength, []];
        if (strength === weakest) places.push(i);
      }
    }
    last = lastPrinted(node, last);
  });
  return cutAt(nodes, places);
}

function cutAt(nodes: Nodes, places: readonly number[]): readonly Nodes[] {
  const ends = [...places, nodes.length];
  return [nodes.slice(0, ends[0]), ...places.map((p, i) => nodes.slice(p, ends[i + 1]))];
}

/** Nodes on one line; callers have made sure that no comment forbids it. */
function flatOf(
  nodes: Nodes,
  last: Printed | undefined,
  next?: ReturnType<typeof firstToken>,
): Flat {
  return flatNodes(nodes, last, next) ?? internalError("this cannot stand on one line");
}
