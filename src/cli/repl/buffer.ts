/** The text being typed, with a cursor: several lines, moved through by what a reader sees as one character. */

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

export class Buffer {
  text = "";
  cursor = 0;
  /** What was cut last, for `yank`. */
  #cut = "";

  set(text: string, cursor = text.length): void {
    this.text = text;
    this.cursor = cursor;
  }

  insert(text: string): void {
    this.set(
      this.text.slice(0, this.cursor) + text + this.text.slice(this.cursor),
      this.cursor + text.length,
    );
  }

  /** Takes `text` out of `[from, to)`; the cursor goes to its start. */
  remove(from: number, to: number): void {
    this.set(this.text.slice(0, from) + this.text.slice(to), from);
  }

  left(): void {
    this.cursor = this.#before(this.cursor);
  }
  right(): void {
    this.cursor = this.#after(this.cursor);
  }
  backspace(): void {
    // Blanks of an indentation go by levels.
    const line = this.text.slice(this.lineStart, this.cursor);
    const step = line !== "" && line.trim() === "" && line.length % 2 === 0 ? 2 : 0;
    const from = step > 0 ? this.cursor - step : this.#before(this.cursor);
    this.remove(from, this.cursor);
  }
  delete(): void {
    const { cursor } = this;
    this.remove(cursor, this.#after(cursor));
  }

  get lineStart(): number {
    return this.text.lastIndexOf("\n", this.cursor - 1) + 1;
  }
  get lineEnd(): number {
    const end = this.text.indexOf("\n", this.cursor);
    return end < 0 ? this.text.length : end;
  }
  home(): void {
    this.cursor = this.lineStart;
  }
  end(): void {
    this.cursor = this.lineEnd;
  }

  /** To the line above or below; false where there is none. */
  vertical(direction: -1 | 1): boolean {
    const column = this.cursor - this.lineStart;
    const edge = direction < 0 ? this.lineStart - 1 : this.lineEnd + 1;
    if (edge < 0 || edge > this.text.length) return false;
    this.cursor = edge;
    const start = this.lineStart;
    this.cursor = Math.min(start + column, this.lineEnd);
    return true;
  }

  wordLeft(): void {
    const before = this.text.slice(0, this.cursor);
    const word = /[\p{L}\p{N}_]*[^\p{L}\p{N}_]*$/u.exec(before);
    const blank = /([\p{L}\p{N}_]+|[^\p{L}\p{N}_]+)$/u.exec(before);
    const length = word?.[0].length || blank?.[0].length || 0;
    this.cursor -= length;
  }
  wordRight(): void {
    const found = /^[^\p{L}\p{N}_]*[\p{L}\p{N}_]*/u.exec(this.text.slice(this.cursor));
    this.cursor += found?.[0].length ?? 0;
  }

  cutToEnd(): void {
    const { cursor, lineEnd } = this;
    this.#cutOut(cursor, lineEnd === cursor ? Math.min(cursor + 1, this.text.length) : lineEnd);
  }
  cutToStart(): void {
    this.#cutOut(this.lineStart, this.cursor);
  }
  cutWord(): void {
    const end = this.cursor;
    this.wordLeft();
    this.#cutOut(this.cursor, end);
  }
  yank(): void {
    this.insert(this.#cut);
  }

  #cutOut(from: number, to: number): void {
    if (to > from) this.#cut = this.text.slice(from, to);
    this.remove(from, to);
  }

  #before(at: number): number {
    let last = 0;
    for (const { index } of graphemes.segment(this.text.slice(0, at))) last = index;
    return last;
  }
  #after(at: number): number {
    const [first] = graphemes.segment(this.text.slice(at));
    return at + (first?.segment.length ?? 0);
  }
}
