/** Parts of a file on one line: their text, or that a comment forbids it. */
import type { IToken } from "../../grammar/chevrotain.js";
import * as t from "../../grammar/tokens.js";
import { describe, type Printed, spaceBetween } from "./format-spacing.js";
import type { Line, Node } from "./format-tree.js";

/** Nodes printed on one line: the text, with the space before it, and the last token. */
export interface Flat {
  readonly text: string;
  readonly last: Printed | undefined;
}

/** The token that a node begins with. */
export function firstToken(node: Node | undefined): IToken | undefined {
  if (node === undefined || node.kind === "comment") return undefined;
  return node.kind === "token" ? node.token : node.open;
}

/** What was printed last, once `node` is. */
export function lastPrinted(node: Node, previous: Printed | undefined): Printed | undefined {
  if (node.kind === "comment") return previous;
  return describe(node.kind === "token" ? node.token : node.close, previous, undefined);
}

/** Joined statements on one line, or `undefined` where a comment forbids it. */
export function flatLines(lines: readonly Line[]): string | undefined {
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

/**
 * Nodes on one line after `last`, with the space before them; `undefined` where impossible.
 * `following` is the token after them, where it is known.
 */
export function flatNodes(
  nodes: readonly Node[],
  last: Printed | undefined,
  following?: IToken,
): Flat | undefined {
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
        put(node.token, i + 1 < nodes.length ? firstToken(nodes[i + 1]) : following);
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

/** Columns of a text, by characters. */
export function width(text: string): number {
  return [...text].length;
}
