/** Places in source text. Offsets count UTF-16 code units, as JavaScript strings do. */

/** A half-open range `[start, end)` of the text of one source. */
export interface Span {
  readonly source: Source;
  readonly start: number;
  readonly end: number;
}

/** One piece of program text with the name that diagnostics give it. */
export interface Source {
  /** A path as the user wrote it, or a name such as `<ppl>` for text without a file. */
  readonly path: string;
  readonly text: string;
}

/** A position as people count it: lines and columns start at 1. */
export interface LineColumn {
  readonly line: number;
  readonly column: number;
}

/** The smallest span that covers both; the two must be of one source. */
export function joinSpans(a: Span, b: Span): Span {
  return { source: a.source, start: Math.min(a.start, b.start), end: Math.max(a.end, b.end) };
}

/** Line and column (from 1) of an offset of `text`. Lines end at `\n`, `\r\n` or `\r`. */
export function lineColumn(text: string, offset: number): LineColumn {
  let line = 1;
  let lineStart = 0;
  const end = Math.min(offset, text.length);
  for (let i = 0; i < end; i++) {
    const c = text.charCodeAt(i);
    const isBreak = c === 10 || (c === 13 && text.charCodeAt(i + 1) !== 10);
    if (isBreak) {
      line++;
      lineStart = i + 1;
    }
  }
  return { line, column: end - lineStart + 1 };
}
