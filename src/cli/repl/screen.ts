/**
 * The entry on the terminal: prompts, colours, lines that wrap. Rows are broken here and not by the
 * terminal, so that it is known where each character stands.
 */
import type { Paint, Painted } from "../../run/repl/highlight.js";

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

export interface Layout {
  /** The rows with their colours. */
  readonly rows: readonly string[];
  /** Where the cursor stands. */
  readonly row: number;
  readonly column: number;
}

export interface View {
  readonly text: string;
  readonly cursor: number;
  readonly painted: readonly Painted[];
  /** Before the first line, and before each other one. */
  readonly prompts: readonly [first: string, rest: string];
  readonly columns: number;
  readonly color: boolean;
}

const ansi: { readonly [P in Paint]: string } = {
  keyword: "\u001b[35m",
  number: "\u001b[33m",
  string: "\u001b[32m",
  comment: "\u001b[2m",
  dist: "\u001b[36m",
  function: "\u001b[34m",
  mistake: "\u001b[31m",
};
const RESET = "\u001b[0m";
const PROMPT = "\u001b[1m";

/** Breaks an entry into rows of the terminal. */
export function layOut(view: View): Layout {
  const { text, cursor, prompts, columns, color } = view;
  const paints = paintsOf(view);
  const rows: string[] = [];
  let [row, column] = [0, 0];
  let current = "";
  let width = 0;
  let paint: Paint | undefined;
  const put = (piece: string, room: number, next: Paint | undefined): void => {
    if (width + room > columns && width > 0) breakRow();
    if (color && next !== paint) {
      if (paint !== undefined) current += RESET;
      if (next !== undefined) current += ansi[next];
      paint = next;
    }
    current += piece;
    width += room;
  };
  const breakRow = (): void => {
    rows.push(paint !== undefined && color ? current + RESET : current);
    paint = undefined;
    current = "";
    width = 0;
  };
  const prompt = (p: string): void => {
    current += color ? `${PROMPT}${p}${RESET}` : p;
    width += displayWidth(p);
  };
  const mark = (at: number): void => {
    if (at !== cursor) return;
    // A cursor behind a full row stands at the start of the next.
    if (width >= columns) breakRow();
    [row, column] = [rows.length, width];
  };
  prompt(prompts[0]);
  for (const { segment, index } of graphemes.segment(text)) {
    if (segment === "\n" || segment === "\r\n") {
      mark(index);
      breakRow();
      prompt(prompts[1]);
      continue;
    }
    const room = displayWidth(segment);
    if (index === cursor && width + room > columns) breakRow();
    mark(index);
    const shown = segment === "\t" ? "  " : printable(segment);
    put(shown, segment === "\t" ? 2 : room, paints[index]);
  }
  mark(text.length);
  breakRow();
  return { rows, row, column };
}

function paintsOf({ text, painted }: View): (Paint | undefined)[] {
  const paints = new Array<Paint | undefined>(text.length).fill(undefined);
  for (const { start, end, paint } of painted) paints.fill(paint, start, end);
  return paints;
}

function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "\ufffd");
}

const wide =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}])/u;

/** Columns that a text takes: two for East Asian characters and emoji, none for marks. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text)) {
    if (wide.test(segment)) width += 2;
    else if (!/^[\p{M}\p{Cf}]+$/u.test(segment)) width += 1;
  }
  return width;
}

/** Draws layouts one over the other. */
export class Screen {
  /** The row of the cursor, from the first row of what is drawn. */
  #row = 0;

  constructor(
    readonly write: (text: string) => void,
    readonly size: () => { readonly columns: number; readonly rows: number },
  ) {}

  /** Draws in the place of what was drawn last. */
  draw(view: Omit<View, "columns">): void {
    const { columns, rows: height } = this.size();
    const layout = layOut({ ...view, columns });
    // An entry higher than the terminal shows the part around the cursor.
    const first = Math.max(0, Math.min(layout.row - height + 2, layout.rows.length - height + 1));
    const rows = layout.rows.slice(first, first + Math.max(1, height - 1));
    const row = layout.row - first;
    let text = this.#toStart();
    text += rows.join("\r\n");
    const up = rows.length - 1 - row;
    if (up > 0) text += `\u001b[${up}A`;
    text += "\r";
    if (layout.column > 0) text += `\u001b[${layout.column}C`;
    this.write(text);
    this.#row = row;
  }

  /** Leaves what is drawn and goes below it. */
  leave(view: Omit<View, "columns">): void {
    this.draw({ ...view, cursor: view.text.length });
    this.write("\r\n");
    this.#row = 0;
  }

  /** Takes away what is drawn. */
  clear(): void {
    this.write(this.#toStart());
    this.#row = 0;
  }

  #toStart(): string {
    const up = this.#row > 0 ? `\u001b[${this.#row}A` : "";
    return `${up}\r\u001b[J`;
  }
}
