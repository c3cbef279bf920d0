/**
 * `npm run fuzz -- --seconds 600 --seed 1`: random models through the whole pipeline in a process of
 * its own, so that a check that hangs is seen and ended. What fails is made small and printed with its
 * data; the exit code is 1 then.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { parseArgs } from "node:util";
import type { Case } from "./case.js";
import { attempt, type Outcome } from "./checks.js";
import { shrink } from "./shrink.js";

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "600" },
    seed: { type: "string", default: "1" },
    /** The first model. */
    from: { type: "string", default: "0" },
    /** A check that takes longer counts as hanging. */
    limit: { type: "string", default: "60" },
    devices: { type: "string", default: "" },
    "no-methods": { type: "boolean", default: false },
    "no-shrink": { type: "boolean", default: false },
  },
});

interface Line {
  readonly number: number;
  readonly begins?: string;
  readonly c?: Case;
  readonly ends?: Outcome;
}

const counts = new Map<string, number>();
const seen = new Set<string>();
const end = performance.now() + 1000 * Number(options.seconds);
let [next, models] = [Number(options.from), 0];

while (performance.now() < end) next = await run(next);
for (const [what, count] of [...counts].sort())
  console.log(`${String(count).padStart(7)}  ${what}`);
console.log(`${models} models of seed ${options.seed}, ${seen.size} kinds of failures`);
process.exitCode = seen.size > 0 ? 1 : 0;

/** Checks models until time is up, or one hangs or ends the process; gives the model to go on with. */
async function run(from: number): Promise<number> {
  const child: ChildProcessByStdio<null, Readable, null> = spawn(
    process.execPath,
    [
      join(import.meta.dirname, "child.js"),
      options.seed,
      String(from),
      options["no-methods"] ? "0" : "1",
      options.devices,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let [current, isOver]: [Line | undefined, boolean] = [undefined, false];
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    isOver = true;
    child.kill("SIGKILL");
  };
  const found: { line: Line; outcome: Outcome }[] = [];
  for await (const text of createInterface({ input: child.stdout })) {
    if (isOver) continue;
    const line = JSON.parse(text) as Line;
    clearTimeout(timer);
    if (line.begins !== undefined) {
      current = line;
      timer = setTimeout(stop, 1000 * Number(options.limit));
      continue;
    }
    const outcome = line.ends;
    if (outcome === undefined) continue;
    bump(outcome);
    if (outcome.kind === "failed" && isNew(outcome)) found.push({ line: current ?? line, outcome });
    current = undefined;
    if (line.number > from + models) models = line.number - Number(options.from);
    if (found.length > 0 || performance.now() > end) {
      next = line.number;
      stop();
    }
  }
  clearTimeout(timer);
  models = Math.max(models, (current?.number ?? next) - Number(options.from));
  for (const { line, outcome } of found) await report(line, outcome);
  if (found.length > 0) return next + 1;
  if (current === undefined) return next + 1;
  const hung: Outcome = {
    check: current.begins ?? "",
    kind: "failed",
    sign: isOver ? "hangs" : "ends the process",
    detail: "",
    seconds: Number(options.limit),
  };
  if (performance.now() < end || !isOver) {
    bump(hung);
    if (isNew(hung)) print(current, hung, current.c);
  }
  return current.number + 1;
}

function bump({ check, kind, sign }: Outcome): void {
  const key = `${check.replace(/ on .*/, " on a device")}: ${kind}${sign === "" ? "" : ` ${sign}`}`;
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function isNew({ check, sign }: Outcome): boolean {
  const key = `${check.split(" ")[0]} ${sign}`;
  const before = seen.size;
  seen.add(key);
  return seen.size > before;
}

async function report(line: Line, outcome: Outcome): Promise<void> {
  if (line.c === undefined || options["no-shrink"]) return print(line, outcome, line.c);
  const began = performance.now();
  const small = await shrink(line.c, async (c) => {
    // Making one failure small must not use up the run.
    if (performance.now() - began > 60_000) return false;
    const again = await attempt(outcome.check, c);
    return again.kind === "failed" && again.sign === outcome.sign;
  });
  print(line, await attempt(outcome.check, small), small);
}

function print({ number }: Line, outcome: Outcome, c: Case | undefined): void {
  console.log(`\n=== model ${number} of seed ${options.seed}, ${outcome.check}: ${outcome.sign}`);
  console.log(outcome.detail.split("\n").slice(0, 8).join("\n"));
  if (c !== undefined) console.log(`${c.text}\ndata: ${JSON.stringify(c.data)}  seed: ${c.seed}\n`);
}
