/**
 * The formatter: two columns of indent, lines of at most 100 columns where brackets and operators
 * allow, one space around operators (none around `^` and `..`). Statements that the author joined
 * by `;`, and blocks written on one line, stay so where they fit. Comments and single blank lines
 * are kept. Formatting never changes what a file parses to, and doing it twice changes nothing.
 */
import { layoutTokens } from "../../grammar/layout.js";
import * as t from "../../grammar/tokens.js";
import { type Diagnostic, DiagnosticSink } from "../base/diagnostic.js";
import type { Source } from "../base/span.js";
import { firstToken, flatLines, flatNodes, lastPrinted, width } from "./format-flat.js";
import { layout } from "./format-layout.js";
import { maxWidth, Output } from "./format-output.js";
import { describe, type Printed } from "./format-spacing.js";
import { type BlockNode, formatTree, type Group, type Line, type Node } from "./format-tree.js";
import { parseSource } from "./parse.js";
import { tokenizeSource } from "./tokenize.js";

/** The formatted text of a source, or its diagnostics where it does not parse. */
export function formatSource(
  source: Source,
): { readonly text: string } | { readonly diagnostics: readonly Diagnostic[] } {
  const { diagnostics } = parseSource(source);
  if (diagnostics.some((d) => d.severity === "error")) return { diagnostics };
  const { tokens, comments } = tokenizeSource(source, new DiagnosticSink());
  const printer = new Printer();
  printer.lines(formatTree(source.text, layoutTokens(tokens), comments), 0);
  return { text: printer.out.finished() };
}

class Printer {
  readonly out = new Output();

  lines(lines: readonly Line[], indent: number): void {
    for (let i = 0; i < lines.length; ) {
      if (lines[i].blankBefore) this.out.blankLine();
      let end = i + 1;
      while (end < lines.length && lines[end].joined) end++;
      const joined = lines.slice(i, end);
      const flat = joined.length > 1 ? flatLines(joined) : undefined;
      if (flat !== undefined && indent + width(flat) <= maxWidth) {
        this.out.begin(indent);
        this.out.raw(flat);
        this.#finish(joined[joined.length - 1]);
      } else {
        for (const line of joined) {
          this.out.begin(indent);
          this.#nodes(line.nodes, indent, line.oneLine);
          this.#finish(line);
        }
      }
      i = end;
    }
  }

  #finish(line: Line): void {
    for (const comment of line.trailing) this.out.raw(` ${comment.text}`);
    this.out.endLine();
  }

  /**
   * Prints a statement's or item's nodes. `oneLine`: its blocks may stay on one line; `inside`: how
   * much deeper its further lines stand.
   */
  #nodes(nodes: readonly Node[], indent: number, oneLine: boolean, inside = 4): void {
    const { out } = this;
    const flat = oneLine || !nodes.some(isBlock) ? flatNodes(nodes, out.last) : undefined;
    if (flat !== undefined && out.fits(flat, 0)) {
      out.put(flat);
      return;
    }
    if (nodes.some(holdsComment)) {
      this.#commented(nodes, indent, inside);
      return;
    }
    for (let start = 0; start < nodes.length; ) {
      const block = nodes.findIndex((node, i) => i >= start && isBlock(node));
      const end = block < 0 ? nodes.length : block;
      // The space and the `{` of a block stay on the line.
      const reserve = block < 0 ? 0 : 2;
      const indents = { own: indent, row: indent + inside };
      if (end > start) layout(out, nodes.slice(start, end), indents, reserve);
      const node = nodes[end];
      if (node?.kind === "block") this.#block(node, indent);
      start = end + 1;
    }
  }

  /** Nodes with comments among them: broken before sums and conditions and inside brackets. */
  #commented(nodes: readonly Node[], indent: number, inside: number): void {
    const { out } = this;
    const deeper = indent + inside;
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i];
      switch (node.kind) {
        case "comment":
          this.#comment(nodes, i, indent, deeper);
          break;
        case "token": {
          const next = describe(node.token, out.last, firstToken(nodes[i + 1]));
          const breaks = out.last !== undefined && breaksBefore(next) && this.#tooLong(nodes, i);
          if (breaks) this.#breakLine(deeper);
          out.token(breaks ? { ...next, isPrefix: false } : next);
          break;
        }
        case "group":
          this.#group(node, nodes.slice(i + 1), indent);
          break;
        case "block":
          this.#block(node, indent);
          break;
      }
    }
  }

  #block(node: BlockNode, indent: number): void {
    const { out } = this;
    out.token(describe(node.open, out.last, undefined));
    for (const comment of node.opening) out.raw(` ${comment.text}`);
    if (node.lines.length > 0 || node.opening.length > 0) {
      out.endLine();
      this.lines(node.lines, indent + 2);
      out.begin(indent);
    }
    out.raw("}");
    out.last = describe(node.close, out.last, undefined);
  }

  #breakLine(indent: number): void {
    this.out.endLine();
    this.out.begin(indent);
  }

  #comment(nodes: readonly Node[], i: number, indent: number, deeper: number): void {
    const node = nodes[i];
    if (node.kind !== "comment") return;
    const atStart = this.out.last === undefined;
    if (node.ownLine && !atStart) this.#breakLine(deeper);
    else if (!atStart) this.out.raw(" ");
    this.out.raw(node.text);
    if (i === nodes.length - 1) return;
    const next = nodes[i + 1];
    const lineFollows = node.endsLine || (next.kind === "comment" && next.ownLine);
    const kept = this.out.last;
    if (lineFollows && !(next.kind === "comment" && next.ownLine && !atStart)) {
      const goesOn = next.kind === "token" && next.token.tokenType === t.Else;
      this.#breakLine(goesOn ? indent : deeper);
    } else if (next.kind !== "comment") this.out.raw(" ");
    // The next token's meaning (a sign or a difference) depends on the token before the comment.
    if (next.kind !== "comment") this.#afterComment(kept);
  }

  /** Lets the next token be printed without a space, but read as following `kept`. */
  #afterComment(kept: Printed | undefined): void {
    this.out.last = kept === undefined ? undefined : { ...kept, isPrefix: true };
  }

  /** Whether the row from the operator at `i` up to the next break is too long for this line. */
  #tooLong(nodes: readonly Node[], i: number): boolean {
    let end = i + 1;
    let last: Printed | undefined = this.out.last;
    for (; end < nodes.length && nodes[end].kind !== "comment"; end++) {
      const node = nodes[end];
      if (node.kind === "token" && breaksBefore(describe(node.token, last, undefined))) break;
      last = lastPrinted(node, last);
    }
    const flat = flatNodes(nodes.slice(i, end), this.out.last);
    return flat === undefined || this.out.column + width(flat.text) > maxWidth;
  }

  /** A group flat where it fits with what follows it up to the next bracket; else item by item. */
  #group(group: Group, after: readonly Node[], indent: number): void {
    const flat = flatNodes([group], this.out.last);
    const rest = flat === undefined ? undefined : flatNodes(untilBreak(after), flat.last);
    if (flat !== undefined && rest !== undefined) {
      if (this.out.column + width(flat.text) + width(rest.text) <= maxWidth) {
        this.out.raw(flat.text);
        this.out.last = flat.last;
        return;
      }
    }
    this.out.token(describe(group.open, this.out.last, undefined));
    if (group.items.length === 0) {
      this.out.token(describe(group.close, this.out.last, undefined));
      return;
    }
    const inner = indent + 2;
    group.items.forEach((item, i) => {
      this.#breakLine(inner);
      this.#nodes(item.nodes, inner, false, 0);
      const ended = item.nodes.at(-1);
      if (i < group.items.length - 1) {
        // A comma cannot follow a comment that ends its line.
        if (ended?.kind === "comment" && ended.endsLine) this.#breakLine(inner);
        this.out.raw(",");
      }
      for (const comment of item.after) this.out.raw(` ${comment.text}`);
    });
    this.#breakLine(indent);
    this.out.raw(group.close.image);
    this.out.last = describe(group.close, undefined, undefined);
  }
}

/** Sums and conditions may go on in the next line, before the operator. */
function breaksBefore(printed: Printed): boolean {
  const type = printed.token.tokenType;
  if (printed.isPrefix) return false;
  return type === t.Plus || type === t.Minus || type === t.AndAnd || type === t.OrOr;
}

/** The nodes up to the next place where a line may end, that place's opening bracket included. */
function untilBreak(nodes: readonly Node[]): Node[] {
  const out: Node[] = [];
  for (const node of nodes) {
    if (node.kind === "comment") break;
    if (node.kind === "token") {
      const type = node.token.tokenType;
      if (type === t.Plus || type === t.Minus || type === t.AndAnd || type === t.OrOr) break;
      out.push(node);
    } else {
      out.push({ kind: "token", token: node.open });
      break;
    }
  }
  return out;
}

function isBlock(node: Node): boolean {
  return node.kind === "block";
}

/** Whether a comment stands among the nodes, outside blocks. */
function holdsComment(node: Node): boolean {
  if (node.kind === "comment") return true;
  if (node.kind !== "group") return false;
  return node.items.some((item) => item.after.length > 0 || item.nodes.some(holdsComment));
}
