/** Keys to entries: editing, history, completion. Knows no stream; what it shows is a `View`. */
import type { Painted } from "../../run/repl/highlight.js";
import { Buffer } from "./buffer.js";
import type { View } from "./screen.js";

/** As Node's readline tells keys. */
export interface Key {
  readonly name?: string;
  readonly sequence?: string;
  readonly ctrl?: boolean;
  readonly meta?: boolean;
  readonly shift?: boolean;
}

/** What the session knows of the language, once it is loaded. */
export interface Language {
  readonly isIncomplete: (text: string) => boolean;
  readonly complete: (
    text: string,
    cursor: number,
  ) => { readonly from: number; readonly candidates: readonly string[] };
  readonly highlight: (text: string) => readonly Painted[];
}

export type Effect =
  | { readonly kind: "redraw" }
  | { readonly kind: "submit"; readonly text: string }
  /** Ctrl-C on an entry: it is left as it stands. */
  | { readonly kind: "abandon" }
  | { readonly kind: "leave" }
  /** Candidates to show under the entry. */
  | { readonly kind: "list"; readonly candidates: readonly string[] }
  | { readonly kind: "clear_screen" };

const REDRAW: Effect = { kind: "redraw" };
export const PROMPT = "~> ";
const MORE = ".. ";

export class Editor {
  readonly buffer = new Buffer();
  language: Language | undefined;
  /** Entries of the past, oldest first. */
  readonly #history: readonly string[];
  /** Which of them is shown; their number for the entry being typed. */
  #place: number;
  #draft = "";
  #pasting = false;
  #search: { query: string; place: number; before: string } | undefined;

  constructor(history: readonly string[]) {
    this.#history = history;
    this.#place = history.length;
  }

  view(color: boolean): Omit<View, "columns"> {
    const { text, cursor } = this.buffer;
    const prompts: [string, string] = [PROMPT, MORE];
    if (this.#search !== undefined) {
      prompts[0] = `(search: ${this.#search.query}) `;
    }
    const painted = color ? (this.language?.highlight(text) ?? []) : [];
    return { text, cursor, painted, prompts, color };
  }

  /** Begins the next entry. */
  reset(): void {
    this.buffer.set("");
    this.#place = this.#history.length;
    this.#draft = "";
    this.#search = undefined;
  }

  key(character: string | undefined, key: Key): Effect {
    const { name } = key;
    if (name === "paste-start" || name === "paste-end") {
      this.#pasting = name === "paste-start";
      return REDRAW;
    }
    if (this.#pasting) {
      const text = name === "return" || name === "enter" ? "\n" : (key.sequence ?? "");
      this.buffer.insert(text.replace(/\r\n?/g, "\n"));
      return REDRAW;
    }
    if (this.#search !== undefined) {
      const effect = this.#searchKey(character, key);
      if (effect !== undefined) return effect;
    }
    if (key.ctrl === true) return this.#control(name ?? "");
    if (key.meta === true) return this.#alt(name ?? "");
    return this.#plain(character, key);
  }

  #control(name: string): Effect {
    const { buffer } = this;
    const moves: Readonly<Record<string, () => void>> = {
      a: () => buffer.home(),
      e: () => buffer.end(),
      b: () => buffer.left(),
      f: () => buffer.right(),
      h: () => buffer.backspace(),
      k: () => buffer.cutToEnd(),
      u: () => buffer.cutToStart(),
      w: () => buffer.cutWord(),
      y: () => buffer.yank(),
      p: () => this.#recall(-1),
      n: () => this.#recall(1),
      left: () => buffer.wordLeft(),
      right: () => buffer.wordRight(),
    };
    switch (name) {
      case "c":
        return { kind: "abandon" };
      case "d":
        if (buffer.text === "") return { kind: "leave" };
        buffer.delete();
        return REDRAW;
      case "l":
        return { kind: "clear_screen" };
      case "r":
        this.#search = { query: "", place: this.#history.length, before: buffer.text };
        return REDRAW;
      case "j":
        return this.#enter();
      default:
        moves[name]?.();
        return REDRAW;
    }
  }

  #alt(name: string): Effect {
    const { buffer } = this;
    if (name === "b" || name === "left") buffer.wordLeft();
    else if (name === "f" || name === "right") buffer.wordRight();
    else if (name === "backspace") buffer.cutWord();
    else if (name === "return" || name === "enter") buffer.insert("\n");
    return REDRAW;
  }

  #plain(character: string | undefined, key: Key): Effect {
    const { buffer } = this;
    switch (key.name) {
      case "return":
      case "enter":
        return this.#enter();
      case "tab":
        return this.#complete();
      case "backspace":
        buffer.backspace();
        return REDRAW;
      case "delete":
        buffer.delete();
        return REDRAW;
      case "left":
        buffer.left();
        return REDRAW;
      case "right":
        buffer.right();
        return REDRAW;
      case "home":
        buffer.home();
        return REDRAW;
      case "end":
        buffer.end();
        return REDRAW;
      case "up":
        if (!buffer.vertical(-1)) this.#recall(-1);
        return REDRAW;
      case "down":
        if (!buffer.vertical(1)) this.#recall(1);
        return REDRAW;
      default:
        if (character !== undefined && isText(character)) this.#type(character);
        return REDRAW;
    }
  }

  #type(character: string): void {
    const { buffer } = this;
    const line = buffer.text.slice(buffer.lineStart, buffer.cursor);
    // A closing brace stands as far left as the line that it closes.
    if (character === "}" && line.length >= 2 && line.trim() === "") {
      buffer.remove(buffer.cursor - 2, buffer.cursor);
    }
    buffer.insert(character);
  }

  /** Ends the entry, or begins its next line. */
  #enter(): Effect {
    const { buffer } = this;
    const { text } = buffer;
    // Two empty lines end what the parser would wait on for ever.
    const isForced = /\n[ \t]*\n[ \t]*$/.test(text) && buffer.cursor === text.length;
    if (isForced || this.language?.isIncomplete(text) !== true) {
      return { kind: "submit", text };
    }
    buffer.insert(`\n${indentAfter(text.slice(0, buffer.cursor))}`);
    return REDRAW;
  }

  /** Another entry of the past in the place of this one. */
  #recall(direction: -1 | 1): void {
    const place = this.#place + direction;
    if (place < 0 || place > this.#history.length) return;
    if (this.#place === this.#history.length) this.#draft = this.buffer.text;
    this.#place = place;
    this.buffer.set(this.#history[place] ?? this.#draft);
  }

  #complete(): Effect {
    const { buffer } = this;
    const line = buffer.text.slice(buffer.lineStart, buffer.cursor);
    if (line.trim() === "") {
      buffer.insert("  ");
      return REDRAW;
    }
    if (this.language === undefined) return REDRAW;
    const { from, candidates } = this.language.complete(buffer.text, buffer.cursor);
    if (candidates.length === 0) return REDRAW;
    const common = commonStart(candidates);
    const typed = buffer.text.slice(from, buffer.cursor);
    if (common.length > typed.length) {
      buffer.remove(from, buffer.cursor);
      buffer.insert(common);
      return REDRAW;
    }
    return candidates.length > 1 ? { kind: "list", candidates } : REDRAW;
  }

  /** Ctrl-R: the last entry that holds what is typed; undefined where the key means something else. */
  #searchKey(character: string | undefined, key: Key): Effect | undefined {
    const search = this.#search;
    if (search === undefined) return undefined;
    const find = (below: number): void => {
      for (let k = below; k >= 0; k--) {
        const at = this.#history[k]?.indexOf(search.query) ?? -1;
        if (at < 0) continue;
        search.place = k;
        this.buffer.set(this.#history[k], at);
        return;
      }
    };
    if (key.ctrl === true && key.name === "r") find(search.place - 1);
    else if (key.ctrl === true && (key.name === "c" || key.name === "g")) {
      this.buffer.set(search.before);
      this.#search = undefined;
    } else if (key.name === "backspace") {
      search.query = search.query.slice(0, -1);
      find(this.#history.length - 1);
    } else if (
      key.ctrl !== true &&
      key.meta !== true &&
      character !== undefined &&
      isText(character)
    ) {
      search.query += character;
      find(this.#history.length - 1);
    } else {
      this.#search = undefined;
      this.#place = this.#history.length;
      return undefined;
    }
    return REDRAW;
  }
}

/** Two blanks for each bracket that is open. */
function indentAfter(text: string): string {
  let depth = 0;
  for (const c of text) {
    if (c === "(" || c === "[" || c === "{") depth++;
    else if (c === ")" || c === "]" || c === "}") depth--;
  }
  return "  ".repeat(Math.max(0, depth));
}

export function commonStart(list: readonly string[]): string {
  let [common] = list;
  for (const s of list) {
    while (!s.startsWith(common)) common = common.slice(0, -1);
  }
  return common;
}

function isText(character: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: keys that are no text send these
  return !/[\u0000-\u0008\u000b-\u001f\u007f]/.test(character);
}
