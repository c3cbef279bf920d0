/** The line editor, its rows on a terminal and its history, without a terminal. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { commonStart, Editor, type Effect } from "../../../src/cli/repl/editor.js";
import { History, historyPath } from "../../../src/cli/repl/history.js";
import { displayWidth, layOut, Screen } from "../../../src/cli/repl/screen.js";
import { complete } from "../../../src/run/repl/complete.js";
import { isIncomplete } from "../../../src/run/repl/entry.js";
import { highlight } from "../../../src/run/repl/highlight.js";
import { Workspace } from "../../../src/run/repl/workspace.js";
import { scratchFolder } from "../../helpers/cli.js";

const scratch = scratchFolder();

/** An editor and a way to press keys: characters, or names such as `left`, `ctrl+a`, `meta+b`. */
function typist(history: readonly string[] = []) {
  const editor = new Editor(history);
  const workspace = new Workspace();
  editor.language = {
    isIncomplete,
    complete: (text, cursor) => complete(workspace, text, cursor),
    highlight,
  };
  const press = (...keys: readonly string[]): Effect => {
    let effect: Effect = { kind: "redraw" };
    for (const k of keys) {
      const parts = k.split("+");
      const name = parts.at(-1) ?? "";
      effect = editor.key(undefined, {
        name,
        ctrl: parts.includes("ctrl"),
        meta: parts.includes("meta"),
      });
    }
    return effect;
  };
  const type = (text: string): void => {
    for (const c of text) editor.key(c, { name: c, sequence: c });
  };
  /** The text with `|` at the cursor. */
  const shown = (): string => {
    const { text, cursor } = editor.buffer;
    return `${text.slice(0, cursor)}|${text.slice(cursor)}`;
  };
  return { editor, press, type, shown };
}

describe("keys", () => {
  test("move, delete and cut", () => {
    const { press, type, shown } = typist();
    type("alpha + beta_2");
    press("meta+b");
    expect(shown()).toBe("alpha + |beta_2");
    press("ctrl+a", "right", "delete");
    expect(shown()).toBe("a|pha + beta_2");
    press("ctrl+k");
    expect(shown()).toBe("a|");
    press("ctrl+y");
    expect(shown()).toBe("apha + beta_2|");
    press("ctrl+w");
    expect(shown()).toBe("apha + |");
    press("backspace", "ctrl+left", "ctrl+u");
    expect(shown()).toBe("|apha +");
    press("end", "left", "ctrl+f", "home", "meta+f");
    expect(shown()).toBe("apha| +");
  });

  test("go by what a reader sees as one character", () => {
    const { press, type, shown } = typist();
    type("µ👩‍🔬é");
    press("left");
    expect(shown()).toBe("µ👩‍🔬|é");
    press("backspace");
    expect(shown()).toBe("µ|é");
  });

  test("Enter ends what is whole, and goes on with what is not", () => {
    const { editor, press, type, shown } = typist();
    type("model m() {");
    expect(press("return")).toEqual({ kind: "redraw" });
    expect(shown()).toBe("model m() {\n  |");
    type("x ~ Normal(0, 1)");
    press("return");
    type("}");
    expect(shown()).toBe("model m() {\n  x ~ Normal(0, 1)\n}|");
    expect(press("return")).toEqual({ kind: "submit", text: editor.buffer.text });
  });

  test("two empty lines end what the parser would go on with", () => {
    const { press, type } = typist();
    type("f(");
    expect(press("return").kind).toBe("redraw");
    expect(press("return").kind).toBe("redraw");
    expect(press("return").kind).toBe("submit");
  });

  test("a paste is text, whatever it holds", () => {
    const { editor, press, shown } = typist();
    press("paste-start");
    for (const c of "x = [1,\r\t2]") {
      editor.key(c, { name: c === "\r" ? "return" : c === "\t" ? "tab" : c, sequence: c });
    }
    press("paste-end");
    expect(shown()).toBe("x = [1,\n\t2]|");
  });

  test("up and down go through lines, then through the history and back", () => {
    const { press, type, shown } = typist(["first", "a = [1,\n  2]"]);
    type("draft");
    press("up");
    expect(shown()).toBe("a = [1,\n  2]|");
    press("up");
    expect(shown()).toBe("a = |[1,\n  2]");
    press("up");
    expect(shown()).toBe("first|");
    press("up");
    expect(shown()).toBe("first|");
    press("down", "down", "down");
    expect(shown()).toBe("draft|");
  });

  test("Ctrl-R finds entries and Ctrl-G gives up", () => {
    const { editor, press, type, shown } = typist(["alpha = 1", "beta = 2", "alphabet"]);
    press("ctrl+r");
    type("alpha");
    expect(shown()).toBe("|alphabet");
    expect(editor.view(false).prompts[0]).toBe("(search: alpha) ");
    press("ctrl+r");
    expect(shown()).toBe("|alpha = 1");
    expect(press("return")).toEqual({ kind: "submit", text: "alpha = 1" });
    editor.reset();
    type("kept");
    press("ctrl+r");
    type("beta");
    press("ctrl+g");
    expect(shown()).toBe("kept|");
  });

  test("Tab completes, lists what is open, and indents", () => {
    const { press, type, shown } = typist();
    type("Norm");
    press("tab");
    expect(shown()).toBe("Normal|");
    type("(");
    expect(press("tab")).toEqual({ kind: "list", candidates: ["mu: ", "sigma: "] });
    type("0, si");
    press("ctrl+u", "tab");
    expect(shown()).toBe("  |");
    press("backspace");
    expect(shown()).toBe("|");
    type("Hal");
    press("tab");
    expect(shown()).toBe("Half|");
    expect(commonStart(["abc", "abd", "ab"])).toBe("ab");
  });

  test("Ctrl-C leaves the entry, Ctrl-D an empty one", () => {
    const { press, type, shown } = typist();
    expect(press("ctrl+d")).toEqual({ kind: "leave" });
    type("ab");
    press("ctrl+a");
    expect(press("ctrl+d")).toEqual({ kind: "redraw" });
    expect(shown()).toBe("|b");
    expect(press("ctrl+c")).toEqual({ kind: "abandon" });
  });
});

describe("rows", () => {
  const lay = (text: string, cursor: number, columns: number, color = false) =>
    layOut({
      text,
      cursor,
      columns,
      color,
      painted: color ? highlight(text) : [],
      prompts: ["~> ", ".. "],
    });

  test("break where the terminal ends", () => {
    expect(lay("abcdefghij", 10, 8)).toEqual({ rows: ["~> abcde", "fghij"], row: 1, column: 5 });
    // A cursor behind a full row stands on the next one.
    expect(lay("abcde", 5, 8)).toEqual({ rows: ["~> abcde", ""], row: 1, column: 0 });
    expect(lay("ab\ncd", 4, 8)).toEqual({ rows: ["~> ab", ".. cd"], row: 1, column: 4 });
    expect(lay("ab\ncd", 2, 8)).toMatchObject({ row: 0, column: 5 });
  });

  test("wide characters take two columns and are not cut", () => {
    expect(displayWidth("日本é👍e\u0301")).toBe(8);
    expect(lay("日本語", 3, 8)).toEqual({ rows: ["~> 日本", "語"], row: 1, column: 2 });
    expect(lay("日本語", 2, 8)).toMatchObject({ row: 1, column: 0 });
  });

  test("colours add no width and end with each row", () => {
    const plain = lay('x = "aaaaaaaaaaaa"', 18, 12);
    const painted = lay('x = "aaaaaaaaaaaa"', 18, 12, true);
    expect([painted.row, painted.column]).toEqual([plain.row, plain.column]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are made of it
    expect(painted.rows.map((r) => r.replace(/\u001b\[\d*m/g, ""))).toEqual(plain.rows);
    for (const row of painted.rows.slice(0, -1)) expect(row.endsWith("\u001b[0m")).toBe(true);
  });

  test("an entry higher than the terminal shows the rows around the cursor", () => {
    let written = "";
    const screen = new Screen(
      (text) => {
        written += text;
      },
      () => ({ columns: 20, rows: 5 }),
    );
    const text = Array.from({ length: 30 }, (_, k) => `line${k}`).join("\n");
    const view = { text, painted: [], prompts: ["~> ", ".. "] as const, color: false };
    screen.draw({ ...view, cursor: text.length });
    expect(written).toContain("line29");
    expect(written.match(/line/g)?.length).toBe(4);
    written = "";
    screen.draw({ ...view, cursor: 0 });
    expect(written).toContain("line0");
    expect(written.match(/line/g)?.length).toBe(4);
  });
});

describe("history", () => {
  test("lies where the XDG folders say", () => {
    expect(historyPath({ XDG_STATE_HOME: "/state" })).toBe("/state/tilde/history");
    expect(historyPath({ XDG_STATE_HOME: "relative" })).toMatch(
      /\/\.local\/state\/tilde\/history$/,
    );
    expect(historyPath({ TILDE_HISTORY: "/own", XDG_STATE_HOME: "/state" })).toBe("/own");
  });

  test("is kept across sessions, entries of several lines too, repetitions once", () => {
    const path = `${scratch.path}/state/tilde/history`;
    const one = new History(path);
    for (const entry of ["a", "b = [1,\n2]", "b = [1,\n2]", "  ", "c"]) one.add(entry);
    expect(new History(path).entries).toEqual(["a", "b = [1,\n2]", "c"]);
  });

  test("a broken line or folder costs no more than itself", () => {
    const path = scratch.file("broken", '"a"\n"half\n"b"\n3\n');
    expect(new History(path).entries).toEqual(["a", "b"]);
    const folder = `${scratch.path}/locked`;
    mkdirSync(folder);
    writeFileSync(`${folder}/file`, "");
    chmodSync(folder, 0o500);
    // A file where a folder should be cannot be written to, by nobody.
    const history = new History(`${folder}/file/history`);
    history.add("kept in memory");
    expect(history.entries).toEqual(["kept in memory"]);
  });

  test("does not grow without end", () => {
    const lines = Array.from({ length: 2500 }, (_, k) => `"${k}"\n`).join("");
    const path = scratch.file("long", lines);
    expect(new History(path).entries.length).toBe(1000);
    expect(readFileSync(path, "utf8").split("\n").length).toBe(1001);
  });
});
