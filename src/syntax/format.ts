/**
 * The formatter: two columns of indent, lines of at most 100 columns where brackets and operators
 * allow, one space around operators (none around `^` and `..`). Statements that the author joined
 * by `;`, and blocks written on one line, stay so where they fit. Comments and single blank lines
 * are kept. Formatting never changes what a file parses to, and doing it twice changes nothing.
 */
import type { IToken } from "../../grammar/chevrotain.js";
import { layoutTokens } from "../../grammar/layout.js";
import * as t from "../../grammar/tokens.js";
import { type Diagnostic, DiagnosticSink } from "../base/diagnostic.js";
import type { Source } from "../base/span.js";
import { describe, type Printed, spaceBetween } from "./format-spacing.js";
import { formatTree, type Group, type Line, type Node } from "./format-tree.js";
import { parseSource } from "./parse.js";
import { tokenizeSource } from "./tokenize.js";

/** Columns of a line. */
const maxWidth = 100;

/** The formatted text of a source, or its diagnostics where it does not parse. */
export function formatSource(
  source: Source,
): { readonly text: string } | { readonly diagnostics: readonly Diagnostic[] } {
  const { diagnostics } = parseSource(source);
  if (diagnostics.some((d) => d.severity === "error")) return { diagnostics };
  const { tokens, comments } = tokenizeSource(source, new DiagnosticSink());
  const printer = new Printer();
  printer.lines(formatTree(source.text, layoutTokens(tokens), comments), 0);
  return { text: printer.finished() };
}

/** The state of printing one line flat: its text so far and the last token. */
interface Flat {
  readonly text: string;
  readonly last: Printed | undefined;
}

class Printer {
  readonly #lines: string[] = [];
  #line = "";
  #column = 0;
  #last: Printed | undefined;

  lines(lines: readonly Line[], indent: number): void {
    for (let i = 0; i < lines.length; ) {
      if (lines[i].blankBefore) this.#lines.push("");
      let end = i + 1;
      while (end < lines.length && lines[end].joined) end++;
      const joined = lines.slice(i, end);
      const flat = joined.length > 1 ? flatLines(joined) : undefined;
      if (flat !== undefined && indent + width(flat) <= maxWidth) {
        this.#begin(indent);
        this.#raw(flat);
        this.#finish(joined[joined.length - 1]);
      } else {
        for (const line of joined) {
          this.#begin(indent);
          this.#nodes(line.nodes, indent, line.oneLine);
          this.#finish(line);
        }
      }
      i = end;
    }
  }

  #begin(indent: number): void {
    this.#line = " ".repeat(indent);
    this.#column = indent;
    this.#last = undefined;
  }

  #finish(line: Line): void {
    for (const comment of line.trailing) this.#line += ` ${comment.text}`;
    this.#endLine();
  }

  #endLine(): void {
    this.#lines.push(this.#line.trimEnd());
    this.#line = "";
  }

  /** The whole text; every line of it ends. */
  finished(): string {
    return this.#lines.map((line) => `${line}\n`).join("");
  }

  #raw(text: string): void {
    this.#line += text;
    this.#column += width(text);
  }

  #breakLine(indent: number): void {
    this.#endLine();
    this.#begin(indent);
  }

  /**
   * Prints a statement's or item's nodes. `oneLine`: its blocks may stay on one line; `inside`: how
   * much deeper its further lines stand.
   */
  #nodes(nodes: readonly Node[], indent: number, oneLine: boolean, inside = 4): void {
    const flat = oneLine || !nodes.some(hasBlock) ? flatNodes(nodes, this.#last) : undefined;
    if (flat !== undefined && this.#column + width(flat.text) <= maxWidth) {
      this.#raw(flat.text);
      this.#last = flat.last;
      return;
    }
    const deeper = indent + inside;
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i];
      switch (node.kind) {
        case "comment":
          this.#comment(nodes, i, indent, deeper);
          break;
        case "token": {
          const next = describe(node.token, this.#last, firstToken(nodes[i + 1]));
          const breaks = this.#last !== undefined && breaksBefore(next) && this.#tooLong(nodes, i);
          if (breaks) this.#breakLine(deeper);
          this.#token(breaks ? { ...next, isPrefix: false } : next);
          break;
        }
        case "group":
          this.#group(node, nodes.slice(i + 1), indent);
          break;
        case "block":
          this.#token(describe(node.open, this.#last, undefined));
          for (const comment of node.opening) this.#raw(` ${comment.text}`);
          if (node.lines.length > 0 || node.opening.length > 0) {
            this.#endLine();
            this.lines(node.lines, indent + 2);
            this.#begin(indent);
            this.#raw("}");
          } else this.#raw("}");
          this.#last = describe(node.close, this.#last, undefined);
          break;
      }
    }
  }

  #token(printed: Printed): void {
    if (this.#last !== undefined && spaceBetween(this.#last, printed)) this.#raw(" ");
    this.#raw(printed.token.image);
    this.#last = printed;
  }

  #comment(nodes: readonly Node[], i: number, indent: number, deeper: number): void {
    const node = nodes[i];
    if (node.kind !== "comment") return;
    const atStart = this.#last === undefined;
    if (node.ownLine && !atStart) this.#breakLine(deeper);
    else if (!atStart) this.#raw(" ");
    this.#line += node.text;
    this.#column += width(node.text);
    if (i === nodes.length - 1) return;
    const next = nodes[i + 1];
    const lineFollows = node.endsLine || (next.kind === "comment" && next.ownLine);
    const kept = this.#last;
    if (lineFollows && !(next.kind === "comment" && next.ownLine && !atStart)) {
      const goesOn = next.kind === "token" && next.token.tokenType === t.Else;
      this.#breakLine(goesOn ? indent : deeper);
    } else if (next.kind !== "comment") this.#raw(" ");
    // The next token's meaning (a sign or a difference) depends on the token before the comment.
    if (next.kind !== "comment") this.#afterComment(kept);
  }

  /** Lets the next token be printed without a space, but read as following `kept`. */
  #afterComment(kept: Printed | undefined): void {
    this.#last = kept === undefined ? undefined : { ...kept, isPrefix: true };
  }

  /** Whether the row from the operator at `i` up to the next break is too long for this line. */
  #tooLong(nodes: readonly Node[], i: number): boolean {
    let end = i + 1;
    let last: Printed | undefined = this.#last;
    for (; end < nodes.length && nodes[end].kind !== "comment"; end++) {
      const node = nodes[end];
      if (node.kind === "token" && breaksBefore(describe(node.token, last, undefined))) break;
      last = lastPrinted(node, last);
    }
    const flat = flatNodes(nodes.slice(i, end), this.#last);
    return flat === undefined || this.#column + width(flat.text) > maxWidth;
  }

  /** A group flat where it fits with what follows it up to the next bracket; else item by item. */
  #group(group: Group, after: readonly Node[], indent: number): void {
    const flat = flatNodes([group], this.#last);
    const rest = flat === undefined ? undefined : flatNodes(untilBreak(after), flat.last);
    if (flat !== undefined && rest !== undefined) {
      if (this.#column + width(flat.text) + width(rest.text) <= maxWidth) {
        this.#raw(flat.text);
        this.#last = flat.last;
        return;
      }
    }
    this.#token(describe(group.open, this.#last, undefined));
    if (group.items.length === 0) {
      this.#token(describe(group.close, this.#last, undefined));
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
        this.#raw(",");
      }
      for (const comment of item.after) this.#raw(` ${comment.text}`);
    });
    this.#breakLine(indent);
    this.#raw(group.close.image);
    this.#last = describe(group.close, undefined, undefined);
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

function hasBlock(node: Node): boolean {
  return node.kind === "block";
}

function firstToken(node: Node | undefined): IToken | undefined {
  if (node === undefined || node.kind === "comment") return undefined;
  return node.kind === "token" ? node.token : node.open;
}

function lastPrinted(node: Node, previous: Printed | undefined): Printed | undefined {
  if (node.kind === "comment") return previous;
  return describe(node.kind === "token" ? node.token : node.close, previous, undefined);
}

/** Joined statements on one line, or `undefined` where a comment forbids it. */
function flatLines(lines: readonly Line[]): string | undefined {
  let text = "";
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    const flat = line.oneLine ? flatNodes(line.nodes, undefined) : undefined;
    if (flat === undefined) return undefined;
    const isLast = i === lines.length - 1;
    if (!isLast && line.trailing.some((c) => c.endsLine)) return undefined;
    const comments = isLast ? "" : line.trailing.map((c) => ` ${c.text}`).join("");
    const separator = isLast ? "" : "; ";
    text += `${flat.text}${comments}${separator}`;
  }
  return text;
}

/** Nodes on one line after `last`, with the space before them; `undefined` where impossible. */
function flatNodes(nodes: readonly Node[], last: Printed | undefined): Flat | undefined {
  let text = "";
  let previous = last;
  let afterComment = false;
  const put = (token: IToken, next: IToken | undefined) => {
    const printed = describe(token, previous, next);
    const space = afterComment || (previous !== undefined && spaceBetween(previous, printed));
    text += `${space ? " " : ""}${token.image}`;
    previous = printed;
    afterComment = false;
  };
  const join = (flat: Flat | undefined): boolean => {
    if (flat === undefined) return false;
    text += flat.text;
    previous = flat.last ?? previous;
    return true;
  };
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i];
    switch (node.kind) {
      case "comment":
        if (node.endsLine || node.ownLine || node.text.includes("\n")) return undefined;
        text += previous === undefined && text === "" ? node.text : ` ${node.text}`;
        afterComment = true;
        break;
      case "token":
        put(node.token, firstToken(nodes[i + 1]));
        break;
      case "group":
        put(node.open, undefined);
        for (let k = 0; k < node.items.length; k++) {
          const item = node.items[k];
          if (item.after.length > 0 || !join(flatNodes(item.nodes, previous))) return undefined;
          if (k < node.items.length - 1) {
            text += ",";
            previous = comma;
          }
        }
        put(node.close, undefined);
        break;
      case "block": {
        put(node.open, undefined);
        if (node.opening.length > 0) return undefined;
        const inside = flatLines(node.lines);
        const trailing = node.lines.at(-1)?.trailing ?? [];
        if (inside === undefined || trailing.some((c) => c.endsLine)) return undefined;
        const comments = trailing.map((c) => ` ${c.text}`).join("");
        if (node.lines.length > 0) text += ` ${inside}${comments} }`;
        else text += "}";
        previous = describe(node.close, undefined, undefined);
        break;
      }
    }
  }
  return { text, last: previous };
}

const comma: Printed = {
  token: {
    image: ",",
    startOffset: 0,
    tokenType: t.Comma,
    tokenTypeIdx: t.Comma.tokenTypeIdx ?? 0,
  },
  isName: false,
  isPrefix: false,
};

function width(text: string): number {
  return [...text].length;
}
