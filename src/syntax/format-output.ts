/** The lines printed so far and the one being printed. */
import type { Flat } from "./format-flat.js";
import { width } from "./format-flat.js";
import { type Printed, spaceBetween } from "./format-spacing.js";

/** Columns of a line. */
export const maxWidth = 100;

export class Output {
  readonly #lines: string[] = [];
  #line = "";
  #column = 0;
  #fresh = true;
  /** The last token: the spacing and the meaning of the next one depend on it. */
  last: Printed | undefined;

  get column(): number {
    return this.#column;
  }
  /** Whether nothing but the indent stands on the line. */
  get fresh(): boolean {
    return this.#fresh;
  }
  /** The whole text; every line of it ends. */
  finished(): string {
    return this.#lines.map((line) => `${line}\n`).join("");
  }

  blankLine(): void {
    this.#lines.push("");
  }
  /** Begins a statement or comment on a line of its own. */
  begin(indent: number): void {
    this.#line = " ".repeat(indent);
    this.#column = indent;
    this.#fresh = true;
    this.last = undefined;
  }
  endLine(): void {
    this.#lines.push(this.#line.trimEnd());
    this.#line = "";
  }
  /** Goes on in the next line, in the middle of a statement. */
  newline(indent: number): void {
    const { last } = this;
    this.endLine();
    this.begin(indent);
    this.last = last;
  }

  /** Text as it is. */
  raw(text: string): void {
    this.#line += text;
    this.#column += width(text);
    this.#fresh = false;
  }
  token(printed: Printed): void {
    if (!this.#fresh && this.last !== undefined && spaceBetween(this.last, printed)) this.raw(" ");
    this.raw(printed.token.image);
    this.last = printed;
  }
  put(flat: Flat): void {
    this.raw(this.#fresh ? flat.text.trimStart() : flat.text);
    this.last = flat.last;
  }
  /** Whether `flat` and `reserve` columns after it fit on this line. */
  fits(flat: Flat, reserve: number): boolean {
    const text = this.#fresh ? flat.text.trimStart() : flat.text;
    return this.#column + width(text) + reserve <= maxWidth;
  }
}
