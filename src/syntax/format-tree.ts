/**
 * What the formatter prints: tokens grouped by brackets, commas and statements, with every comment
 * in its place. Line breaks of the text survive only where they say something: between statements,
 * as single blank lines, and around comments.
 */
import type { IToken } from "../../grammar/chevrotain.js";
import * as t from "../../grammar/tokens.js";
import { tokenEnd } from "./lower-context.js";

export interface Comment {
  readonly kind: "comment";
  readonly text: string;
  /** Nothing may follow it on its line. */
  readonly endsLine: boolean;
  /** It began a line of the text. */
  readonly ownLine: boolean;
}

/** The inside of `( )` or `[ ]`: items between commas. */
export interface Group {
  readonly kind: "group";
  readonly open: IToken;
  readonly close: IToken;
  readonly items: readonly GroupItem[];
}
export interface GroupItem {
  readonly nodes: readonly Node[];
  /** Comments after the item's comma, on its line. */
  readonly after: readonly Comment[];
}
export interface BlockNode {
  readonly kind: "block";
  readonly open: IToken;
  readonly close: IToken;
  /** Line comments after the `{`, on its line. */
  readonly opening: readonly Comment[];
  readonly lines: readonly Line[];
}
export interface TokenNode {
  readonly kind: "token";
  readonly token: IToken;
}
export type Node = TokenNode | Group | BlockNode | Comment;

/** A statement, declaration or member; or a comment on lines of its own (no nodes but it). */
export interface Line {
  readonly nodes: readonly Node[];
  readonly trailing: readonly Comment[];
  /** A blank line stands before it. */
  readonly blankBefore: boolean;
  /** It begins on the line on which the one before it ended. */
  readonly joined: boolean;
  /** It stands on one line of the text. */
  readonly oneLine: boolean;
}

const commentTypes: ReadonlySet<unknown> = new Set([t.DocComment, t.LineComment, t.BlockComment]);
const isComment = (token: IToken) => commentTypes.has(token.tokenType);

/** Builds the lines of a file from laid-out tokens that parse without error, and its comments. */
export function formatTree(
  text: string,
  tokens: readonly IToken[],
  comments: readonly IToken[],
): Line[] {
  const stream = [...tokens, ...comments].sort((a, b) => a.startOffset - b.startOffset);
  return new Builder(text, stream).lines();
}

class Builder {
  readonly #text: string;
  readonly #stream: readonly IToken[];
  #next = 0;

  constructor(text: string, stream: readonly IToken[]) {
    this.#text = text;
    this.#stream = stream;
  }

  /** Reads statements up to the `}` that closes them (not consumed), or the end. */
  lines(): Line[] {
    const out: Line[] = [];
    let end = this.#next > 0 ? tokenEnd(this.#stream[this.#next - 1]) : 0;
    for (;;) {
      const token = this.#stream[this.#next];
      if (token === undefined || token.tokenType === t.RBrace) return out;
      if (isSeparator(token)) {
        this.#next++;
        continue;
      }
      const between = this.#text.slice(end, token.startOffset);
      const breaks = countBreaks(between);
      if (isComment(token) && !this.#leadsStatement(token)) {
        this.#next++;
        const comment = this.#comment(token);
        const last = out.at(-1);
        if (last !== undefined && breaks === 0) {
          out[out.length - 1] = { ...last, trailing: [...last.trailing, comment] };
        } else {
          const blankBefore = out.length > 0 && breaks > 1;
          out.push({ nodes: [comment], trailing: [], blankBefore, joined: false, oneLine: true });
        }
        end = tokenEnd(token);
        continue;
      }
      const { nodes, trailing } = this.#statement();
      const last = this.#stream[this.#next - 1];
      out.push({
        nodes,
        trailing,
        blankBefore: out.length > 0 && breaks > 1,
        joined: out.length > 0 && breaks === 0 && canBeJoined(out[out.length - 1]),
        oneLine: countBreaks(this.#text.slice(token.startOffset, tokenEnd(last))) === 0,
      });
      end = tokenEnd(last);
    }
  }

  /** A block comment with a statement after it on its line belongs to the statement. */
  #leadsStatement(token: IToken): boolean {
    if (token.tokenType !== t.BlockComment || token.image.includes("\n")) return false;
    const next = this.#stream[this.#next + 1];
    if (next === undefined || next.tokenType === t.RBrace || isSeparator(next)) return false;
    if (isComment(next)) return false;
    return countBreaks(this.#text.slice(tokenEnd(token), next.startOffset)) === 0;
  }

  #statement(): { nodes: Node[]; trailing: Comment[] } {
    const nodes: Node[] = [];
    const trailing: Comment[] = [];
    for (;;) {
      const token = this.#stream[this.#next];
      if (token === undefined || token.tokenType === t.RBrace || isSeparator(token)) break;
      if (isComment(token) && nodes.length > 0 && this.#endsAfterComments()) {
        // On the statement's own line it trails; below, it stands for itself.
        const before = this.#stream[this.#next - 1];
        if (countBreaks(this.#text.slice(tokenEnd(before), token.startOffset)) > 0) break;
        trailing.push(this.#comment(token));
        this.#next++;
        continue;
      }
      const afterBlock = nodes.findLast((node) => node.kind !== "comment")?.kind === "block";
      if (afterBlock && token.tokenType !== t.Else && !isComment(token)) break;
      nodes.push(this.#node());
    }
    return { nodes, trailing };
  }

  /** Whether only comments are left of this statement. */
  #endsAfterComments(): boolean {
    let i = this.#next;
    while (this.#stream[i] !== undefined && isComment(this.#stream[i])) i++;
    const token = this.#stream[i];
    if (token === undefined || token.tokenType === t.RBrace || isSeparator(token)) return true;
    let b = this.#next - 1;
    while (b >= 0 && isComment(this.#stream[b])) b--;
    return this.#stream[b]?.tokenType === t.RBrace && token.tokenType !== t.Else;
  }

  #node(): Node {
    const token = this.#stream[this.#next++];
    if (isComment(token)) return this.#comment(token);
    switch (token.tokenType) {
      case t.LBrace: {
        const opening = this.#commentsOnLine(token);
        const lines = this.lines();
        return { kind: "block", open: token, close: this.#stream[this.#next++], opening, lines };
      }
      case t.LParen:
      case t.LambdaParen:
      case t.LBracket:
        return this.#group(token);
      default:
        return { kind: "token", token };
    }
  }

  #group(open: IToken): Group {
    const items: { nodes: Node[]; after: Comment[] }[] = [];
    let nodes: Node[] = [];
    for (;;) {
      const token = this.#stream[this.#next];
      if (token.tokenType === t.RParen || token.tokenType === t.RBracket) {
        this.#next++;
        if (nodes.length > 0) items.push({ nodes, after: [] });
        return { kind: "group", open, close: token, items };
      }
      if (token.tokenType === t.Comma) {
        this.#next++;
        const item = { nodes, after: this.#commentsOnLine(token) };
        items.push(item);
        nodes = [];
      } else nodes.push(this.#node());
    }
  }

  /** The line comment that follows a comma or `{` on its line. */
  #commentsOnLine(before: IToken): Comment[] {
    const token = this.#stream[this.#next];
    if (token === undefined || !isComment(token) || token.tokenType === t.BlockComment) return [];
    if (countBreaks(this.#text.slice(tokenEnd(before), token.startOffset)) > 0) return [];
    this.#next++;
    return [this.#comment(token)];
  }

  #comment(token: IToken): Comment {
    let start = token.startOffset;
    while (start > 0 && /[^\S\n\r]/.test(this.#text[start - 1])) start--;
    const ownLine = start === 0 || /[\n\r]/.test(this.#text[start - 1]);
    const endsLine = token.tokenType !== t.BlockComment;
    return { kind: "comment", text: token.image.trimEnd(), endsLine, ownLine };
  }
}

/** After a comment that ends its line nothing can be joined. */
function canBeJoined(line: Line): boolean {
  const last = line.trailing.at(-1) ?? line.nodes.at(-1);
  return last?.kind !== "comment" || !last.endsLine;
}

function isSeparator(token: IToken): boolean {
  return token.tokenType === t.LineEnd || token.tokenType === t.Semicolon;
}

function countBreaks(text: string): number {
  return text.match(/\r\n|\n|\r/g)?.length ?? 0;
}
