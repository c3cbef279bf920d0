/**
 * `docs/repl.md`: its transcript is run entry by entry and must answer what stands there. With
 * `UPDATE_GOLDEN=1` the answers and the table of commands are written into the page.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { printOutput } from "../../../src/cli/repl/print.js";
import { pictureKinds } from "../../../src/run/pictures/picture.js";
import { commandNames, commands } from "../../../src/run/repl/names.js";
import { Session } from "../../../src/run/repl/session.js";

const page = new URL("../../../docs/repl.md", import.meta.url);

/** The entries of a transcript, each with its answer. */
function entriesOf(block: string): { entry: string; answer: string }[] {
  const out: { entry: string; answer: string }[] = [];
  for (const line of block.split("\n")) {
    const last = out.at(-1);
    if (line.startsWith("~> ")) out.push({ entry: line.slice(3), answer: "" });
    else if (last !== undefined && line.startsWith(".. ")) last.entry += `\n${line.slice(3)}`;
    else if (last !== undefined) last.answer += `${line}\n`;
  }
  return out;
}

function transcript(entry: string, answer: string): string {
  const [first, ...rest] = entry.split("\n");
  return `${[`~> ${first}`, ...rest.map((l) => `.. ${l}`)].join("\n")}\n${answer}`;
}

/** How long a run took is another thing each time. */
const timeless = (text: string): string => text.replace(/, [\d.]+ (?:ms|s)\b/g, ", … s");

const table = [
  "| command | |",
  "|---|---|",
  ...commandNames.map((n) => `| \`${commands[n].usage}\` | ${commands[n].doc} |`),
].join("\n");

test("the transcript answers what stands there, and all commands are listed", async () => {
  const text = readFileSync(page, "utf8");
  const session = new Session();
  let actual = "";
  let at = 0;
  for (const found of text.matchAll(/```text\n([\s\S]*?)```/g)) {
    let block = "";
    for (const { entry } of entriesOf(found[1])) {
      const { outputs } = await session.run(entry);
      const answer = outputs.map((o) => printOutput(o, { color: false, width: 80 }));
      block += transcript(entry, answer.map((a) => `${a}\n`).join(""));
    }
    actual += `${text.slice(at, found.index)}\`\`\`text\n${block}\`\`\``;
    at = found.index + found[0].length;
  }
  actual += text.slice(at);
  actual = actual.replace(
    /<!-- commands -->\n[\s\S]*?<!-- end -->/,
    `<!-- commands -->\n${table}\n<!-- end -->`,
  );
  if (process.env.UPDATE_GOLDEN === "1") writeFileSync(page, actual);
  else expect(timeless(text)).toBe(timeless(actual));
});

test("the kinds of pictures are those that there are", () => {
  const text = readFileSync(page, "utf8");
  const [, found] = /<!-- kinds -->([\s\S]*?)<!-- end kinds -->/.exec(text) ?? [];
  expect([...(found ?? "").matchAll(/`(\w+)`/g)].map((m) => m[1])).toEqual([...pictureKinds]);
});
