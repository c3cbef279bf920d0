/**
 * Diagnostics for people (`renderDiagnostic`) and for programs (`diagnosticToJson`).
 *
 * ```
 * schools.ppl:3:9: error: `m = …` needs the word `let`
 *   3 |   m = mu + 1
 *     |   ^
 *   help: write `let m = …` for a definition, or `m ~ …` for a draw
 * ```
 */
import type { Diagnostic, Severity } from "./diagnostic.js";
import { lineColumn, type Span } from "./span.js";

export interface RenderOptions {
  /** ANSI colours, for terminals. */
  readonly color?: boolean;
}

/** Lines of one span that are shown before the rest is left out. */
const maxLines = 4;
/** Columns of one source line that are shown; longer lines are cut around the span. */
const maxColumns = 160;

const ansi = {
  error: "\u001b[1;31m",
  warning: "\u001b[1;33m",
  help: "\u001b[1;36m",
  note: "\u001b[1;34m",
  strong: "\u001b[1m",
  reset: "\u001b[0m",
} as const;

/** One diagnostic as text without a line end: place, message, source lines, help and notes. */
export function renderDiagnostic(d: Diagnostic, options: RenderOptions = {}): string {
  const paint = painter(options);
  const lines: string[] = [];
  const place = d.span === undefined ? "" : `${paint("strong", `${placeOf(d.span)}:`)} `;
  lines.push(
    `${place}${paint(d.severity, `${d.severity}:`)} ${paint("strong", shownMessage(d.message))}`,
  );
  if (d.span !== undefined) lines.push(...renderSpan(d.span, (s) => paint(d.severity, s)));
  if (d.help !== undefined) lines.push(`  ${paint("help", "help:")} ${d.help}`);
  for (const note of d.notes) {
    const at = note.span === undefined ? "" : `${placeOf(note.span)}: `;
    lines.push(`  ${paint("note", "note:")} ${at}${note.text}`);
    if (note.span !== undefined) lines.push(...renderSpan(note.span, (s) => paint("note", s)));
  }
  return lines.join("\n");
}

/** Several diagnostics in the order of the text, a blank line between them. */
export function renderDiagnostics(
  list: readonly Diagnostic[],
  options: RenderOptions = {},
): string {
  return sortDiagnostics(list)
    .map((d) => renderDiagnostic(d, options))
    .join("\n\n");
}

/** By position within each file, files in the order of their first diagnostic; stable. */
export function sortDiagnostics(list: readonly Diagnostic[]): Diagnostic[] {
  const paths = [...new Set(list.map((d) => d.span?.source.path))];
  const rank = new Map(paths.map((path, i) => [path, i]));
  const fileOf = (d: Diagnostic) => rank.get(d.span?.source.path) ?? 0;
  return [...list].sort(
    (a, b) => fileOf(a) - fileOf(b) || (a.span?.start ?? 0) - (b.span?.start ?? 0),
  );
}

/** A diagnostic as plain data, for `--json`. Lines and columns start at 1; the end is exclusive. */
export interface DiagnosticJson {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly help?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly endLine?: number;
  readonly endColumn?: number;
  readonly notes: readonly NoteJson[];
}
export type NoteJson = Pick<
  DiagnosticJson,
  "message" | "file" | "line" | "column" | "endLine" | "endColumn"
>;

export function diagnosticToJson(d: Diagnostic): DiagnosticJson {
  return {
    ...(d.span === undefined ? {} : spanToJson(d.span)),
    code: d.code,
    severity: d.severity,
    message: d.message,
    ...(d.help === undefined ? {} : { help: d.help }),
    notes: d.notes.map((note) => ({
      ...(note.span === undefined ? {} : spanToJson(note.span)),
      message: note.text,
    })),
  };
}

function spanToJson(span: Span) {
  const start = lineColumn(span.source.text, span.start);
  const end = lineColumn(span.source.text, span.end);
  const { line, column } = start;
  return { file: span.source.path, line, column, endLine: end.line, endColumn: end.column };
}

function placeOf(span: Span): string {
  const { line, column } = lineColumn(span.source.text, span.start);
  return `${span.source.path}:${line}:${column}`;
}

type Style = keyof typeof ansi;

function painter(options: RenderOptions): (style: Style, text: string) => string {
  if (options.color !== true) return (_, text) => text;
  return (style, text) => `${ansi[style]}${text}${ansi.reset}`;
}

/** The span's source lines, each with its number and the part of the span on it underlined. */
function renderSpan(span: Span, paint: (text: string) => string): string[] {
  const { text } = span.source;
  const first = lineColumn(text, span.start);
  const width = String(lineColumn(text, span.end).line).length;
  const out: string[] = [];
  let lineStart = span.start - (first.column - 1);
  let shown = 0;
  for (let number = first.line; lineStart <= text.length; number++, shown++) {
    if (shown === maxLines) {
      out.push(`  ${" ".repeat(width)} | …`);
      break;
    }
    const lineEnd = endOfLine(text, lineStart);
    const from = Math.max(span.start, lineStart);
    const to = Math.min(span.end, lineEnd);
    const window = windowOf(text, lineStart, lineEnd, from);
    const gutter = String(number).padStart(width);
    out.push(
      `  ${gutter} | ${window.before}${printable(text.slice(window.start, window.end))}${window.after}`,
    );
    const marks = underline(
      text,
      window.start,
      from,
      Math.min(to, window.end),
      number === first.line,
    );
    out.push(`  ${" ".repeat(width)} | ${blank(window.before)}${marks.pad}${paint(marks.mark)}`);
    if (span.end <= lineEnd || lineEnd >= text.length) break;
    lineStart = lineEnd + (text.startsWith("\r\n", lineEnd) ? 2 : 1);
    if (lineStart >= span.end) break;
  }
  return out.map((line) => line.trimEnd());
}

/** Control characters could drive the reader's terminal: one mark for each keeps columns. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\ufffd");
}

/** A message names what stands in the text, which may be megabytes of one word. */
const maxMessage = 1000;
function shownMessage(message: string): string {
  const shown = printable(message);
  return shown.length <= maxMessage ? shown : `${shown.slice(0, maxMessage)}…`;
}

function endOfLine(text: string, start: number): number {
  let end = start;
  while (end < text.length && text[end] !== "\n" && text[end] !== "\r") end++;
  return end;
}

/** The part of a long line that is shown. */
function windowOf(text: string, lineStart: number, lineEnd: number, from: number) {
  if (lineEnd - lineStart <= maxColumns) {
    return { start: lineStart, end: lineEnd, before: "", after: "" };
  }
  let start = Math.max(lineStart, Math.min(from - 40, lineEnd - maxColumns));
  if (isLowSurrogate(text, start)) start--;
  let end = Math.min(lineEnd, start + maxColumns);
  if (isLowSurrogate(text, end)) end--;
  return { start, end, before: start > lineStart ? "…" : "", after: end < lineEnd ? "…" : "" };
}

function isLowSurrogate(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff;
}

/**
 * `^~~~` under `[from, to)`, at least one mark. Tabs before it are copied so that both lines
 * move alike; wide characters (East Asian, emoji) take two columns, combining marks none.
 */
function underline(text: string, lineStart: number, from: number, to: number, isFirst: boolean) {
  const indent = /^\s*/.exec(text.slice(from, to))?.[0] ?? "";
  // A later line of a span is marked from its first visible character.
  const start = isFirst ? from : from + indent.length;
  const pad = blank(text.slice(lineStart, start));
  const columns = Math.max(1, displayWidth(text.slice(start, to)));
  const mark = isFirst ? `^${"~".repeat(columns - 1)}` : "~".repeat(columns);
  return { pad, mark: !isFirst && to <= start ? "" : mark };
}

function blank(text: string): string {
  return text.replace(/[^\t]/gu, (c) => " ".repeat(displayWidth(c)));
}

function displayWidth(text: string): number {
  let width = 0;
  for (const c of text) width += wide.test(c) ? 2 : /^[\p{M}\p{Cf}]$/u.test(c) ? 0 : 1;
  return width;
}

const wide =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]$/u;
