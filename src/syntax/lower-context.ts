/** What the lowering functions share: the source, where to report, and small helpers for spans. */
import type { CstNode, IToken } from "../../grammar/chevrotain.js";
import type { DiagnosticSink } from "../base/diagnostic.js";
import { internalError } from "../base/internal.js";
import type { Source, Span } from "../base/span.js";
import type { Name } from "./ast.js";

export interface LowerContext {
  readonly source: Source;
  readonly sink: DiagnosticSink;
  /** Comments in the order of the text; doc comments are found among them. */
  readonly comments: readonly IToken[];
}

/** The span `[start, end)` of the context's source. */
export function spanAt(cx: { readonly source: Source }, start: number, end: number): Span {
  return { source: cx.source, start, end };
}

export function tokenSpan(cx: { readonly source: Source }, token: IToken): Span {
  return spanAt(cx, token.startOffset, tokenEnd(token));
}

/** The offset just after a token. Chevrotain's `endOffset` is that of the last character. */
export function tokenEnd(token: IToken): number {
  return (token.endOffset ?? token.startOffset + token.image.length - 1) + 1;
}

export function nodeSpan(cx: LowerContext, node: CstNode): Span {
  const { startOffset, endOffset } = locationOf(node);
  return spanAt(cx, startOffset, endOffset + 1);
}

export function nodeStart(node: CstNode): number {
  return locationOf(node).startOffset;
}

function locationOf(node: CstNode): { startOffset: number; endOffset: number } {
  const startOffset = node.location?.startOffset;
  const endOffset = node.location?.endOffset;
  if (startOffset === undefined || endOffset === undefined) {
    return internalError(`syntax node \`${node.name}\` has no location`);
  }
  return { startOffset, endOffset };
}

/**
 * A name as the program means it: in Unicode's composed form (NFC), so that `é` typed as one
 * character or as two is one name.
 */
export function lowerName(cx: LowerContext, token: IToken): Name {
  return { text: token.image.normalize("NFC"), span: tokenSpan(cx, token) };
}

/** The elements of several rules' lists in the order of the text. */
export function inTextOrder<N extends CstNode>(
  ...lists: readonly (readonly N[] | undefined)[]
): N[] {
  return lists.flatMap((l) => l ?? []).sort((a, b) => nodeStart(a) - nodeStart(b));
}
