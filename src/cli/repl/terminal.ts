/** The prompt on a terminal: keys in raw mode, one entry after another. */
import { emitKeypressEvents } from "node:readline";
import type { Session } from "../../run/repl/session.js";
import { Editor, type Key } from "./editor.js";
import { History, historyPath } from "./history.js";
import { displayWidth, Screen } from "./screen.js";

export interface Interactive {
  readonly color: boolean;
  /** Loads the session; what takes long comes after the first prompt. */
  readonly load: () => Promise<{ session: Session; language: Editor["language"] }>;
  /** Runs an entry and prints what it answers; true where it asks to leave. */
  readonly run: (
    session: Session,
    text: string,
    signals: { readonly stop: AbortSignal; readonly kill: AbortSignal },
  ) => Promise<boolean>;
}

const PASTE_ON = "\u001b[?2004h";
const PASTE_OFF = "\u001b[?2004l";

interface Pressed {
  readonly character: string | undefined;
  readonly key: Key;
}

/** Reads and runs entries until the user leaves. */
export async function interact({ color, load, run }: Interactive): Promise<void> {
  const { stdin, stdout } = process;
  const history = new History(historyPath());
  const editor = new Editor(history.entries);
  const screen = new Screen(
    (text) => void stdout.write(text),
    () => ({ columns: Math.max(20, stdout.columns || 80), rows: Math.max(3, stdout.rows || 24) }),
  );
  const keys: Pressed[] = [];
  let wake: (() => void) | undefined;
  let stop: AbortController | undefined;
  let kill: AbortController | undefined;
  const interrupt = (): void => {
    // A second Ctrl-C does not wait for what the first one asked for.
    if (stop?.signal.aborted === true) kill?.abort();
    else stop?.abort();
  };
  const pressed = (character: string | undefined, key: Key): void => {
    if (stop !== undefined && key.ctrl === true && key.name === "c") {
      interrupt();
      return;
    }
    keys.push({ character, key });
    wake?.();
  };
  let ended = false;
  const end = (): void => {
    ended = true;
    wake?.();
  };
  const redraw = (): void => {
    if (stop === undefined) screen.draw(editor.view(color));
  };
  const signalled = (): void => {
    if (stop !== undefined) interrupt();
    else pressed(undefined, { name: "c", ctrl: true });
  };
  emitKeypressEvents(stdin);
  stdin.setRawMode(true);
  stdin.on("keypress", pressed);
  stdin.on("end", end);
  stdout.on("resize", redraw);
  process.on("SIGINT", signalled);
  stdout.write(PASTE_ON);
  redraw();
  try {
    // The prompt stands before the language is loaded: that takes longer than a glance.
    await new Promise((resolve) => setTimeout(resolve, 5));
    const { session, language } = await load();
    editor.language = language;
    redraw();
    let quit = false;
    while (!quit) {
      const next = keys.shift();
      if (next === undefined) {
        if (ended) break;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = undefined;
        continue;
      }
      const effect = editor.key(next.character, next.key);
      switch (effect.kind) {
        case "redraw":
          // A paste is drawn once, when it is all there.
          if (keys.length === 0) redraw();
          break;
        case "leave":
          quit = true;
          break;
        case "clear_screen":
          screen.clear();
          stdout.write("\u001b[H\u001b[2J");
          redraw();
          break;
        case "abandon":
          screen.leave(editor.view(color));
          editor.reset();
          redraw();
          break;
        case "list":
          screen.leave(editor.view(color));
          stdout.write(`${inColumns(effect.candidates, stdout.columns || 80)}\r\n`);
          redraw();
          break;
        case "submit": {
          screen.leave(editor.view(color));
          history.add(effect.text);
          editor.reset();
          stop = new AbortController();
          kill = new AbortController();
          quit = await run(session, effect.text, { stop: stop.signal, kill: kill.signal });
          stop = undefined;
          kill = undefined;
          if (!quit) redraw();
        }
      }
    }
    session.close();
  } finally {
    screen.clear();
    stdout.write(PASTE_OFF);
    stdin.setRawMode(false);
    stdin.off("keypress", pressed);
    stdin.pause();
    stdout.off("resize", redraw);
    process.off("SIGINT", signalled);
  }
}

/** Candidates that are listed. */
const MOST = 120;

function inColumns(list: readonly string[], width: number): string {
  const shown = list.slice(0, MOST);
  const room = Math.max(...shown.map(displayWidth)) + 2;
  const columns = Math.max(1, Math.floor(width / room));
  const rows = Math.ceil(shown.length / columns);
  const lines = Array.from({ length: rows }, (_, r) =>
    Array.from({ length: columns }, (_, c) => shown[c * rows + r] ?? "")
      .map((name) => name + " ".repeat(room - displayWidth(name)))
      .join("")
      .trimEnd(),
  );
  if (list.length > MOST) lines.push(`… and ${list.length - MOST} more`);
  return lines.join("\r\n");
}
