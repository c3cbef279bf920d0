/** The built command as a process: interruptions, closed pipes, and streams free of stack traces. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { loadFit } from "../../src/index.js";
import { eightSchools, ended, scratchFolder, startTilde, tildeProcess } from "../helpers/cli.js";

const scratch = scratchFolder();

/** A run that takes minutes: it is always at work when a signal comes. */
const endless = (out: string): string[] => [
  "run",
  ...eightSchools,
  ...["--draws", "100000", "--thin", "1000", "--out", out],
];

/** Resolves when the folder for results is there: the run has read all it needs and begins. */
async function begun(folder: string): Promise<void> {
  for (let tries = 0; !existsSync(folder); tries++) {
    if (tries > 1000) throw new Error("the run did not begin within 20 s");
    await wait(20);
  }
}

describe("Ctrl-C", () => {
  test("before the first draw ends with a line that says so", async () => {
    const out = `${scratch.path}/early`;
    // Warmup without end.
    const flags = ["--warmup", "100000000", "--out", out];
    const child = startTilde("run", ...eightSchools, ...flags);
    const end = ended(child);
    await begun(out);
    await wait(500);
    child.kill("SIGINT");
    const { code, signal, out: printed, err } = await end;
    expect({ code, signal, printed }).toEqual({ code: 1, signal: null, printed: "" });
    expect(err).toBe("interrupted before the first draw: there is nothing to report\n");
  });

  test.each([
    ["SIGINT", "nuts"],
    ["SIGTERM", "nuts"],
    ["SIGINT", "gibbs"],
  ] as const)(
    "%s ends several chains over threads with the draws so far: %s",
    async (sent, method) => {
      const out = `${scratch.path}/threads-${sent}-${method}`;
      const flags = ["--method", method, "--chains", "4", "--threads", "4", "--warmup", "300"];
      const more = ["--draws", "2000000", "--vars", "mu", "--no-csv", "--out", out];
      const child = startTilde("run", ...eightSchools, ...flags, ...more);
      const end = ended(child);
      // All of them have a block of draws.
      const sizes = () =>
        [0, 1, 2, 3].map((k) => {
          const path = `${out}/chain-${k}.draws`;
          return existsSync(path) ? statSync(path).size : 0;
        });
      for (let tries = 0; sizes().some((n) => n < 100_000); tries++) {
        if (tries > 1500) throw new Error(`no draws within 30 s: ${sizes()}`);
        await wait(20);
      }
      const at = performance.now();
      child.kill(sent);
      const { code, signal, out: printed, err } = await end;
      const seconds = (performance.now() - at) / 1000;
      expect({ code, signal }).toEqual({ code: 2, signal: null });
      // Two on a quiet machine; the summary of the draws is part of it.
      expect(seconds).toBeLessThan(10);
      expect(printed).toMatch(/\(interrupted\)\n/);
      expect(printed).toMatch(/^mu /m);
      expect(printed).not.toMatch(/^tau /m);
      expect(err).toContain(`to go on: tilde resume ${out}`);
      expect(err).not.toMatch(/internal error|\n +at /);
      expect(existsSync(`${out}/draws.csv`)).toBe(false);
      const fit = await loadFit(out);
      expect(fit.interrupted).toBe(true);
      expect(fit.fit.chains.length).toBe(4);
      const known = fit.fit.chains[0].draws;
      expect(known).toBeGreaterThan(0);
      // It goes on behind these draws, and reports what the run was to report.
      const again = startTilde("resume", out);
      const second = ended(again);
      const before = sizes();
      for (let tries = 0; sizes().every((n, k) => n <= before[k] + 100_000); tries++) {
        if (tries > 1500) throw new Error("the run did not go on within 30 s");
        await wait(20);
      }
      again.kill(sent);
      const resumed = await second;
      expect(resumed.code).toBe(2);
      expect(resumed.out).toMatch(/^mu /m);
      expect(resumed.out).not.toMatch(/^tau /m);
      expect(existsSync(`${out}/draws.csv`)).toBe(false);
      const longer = await loadFit(out);
      expect(longer.fit.chains[0].draws).toBeGreaterThanOrEqual(known);
      const rows = (f: typeof fit) => f.fit.chains[0].pages?.page(0).values.slice(0, 50);
      expect(rows(longer)).toEqual(rows(fit));
    },
    120_000,
  );

  test("twice ends at once, without results", async () => {
    const out = `${scratch.path}/twice`;
    const child = startTilde(...endless(out));
    const end = ended(child);
    await begun(out);
    await wait(500);
    // The second signal comes while the draws so far are gathered, or before.
    child.kill("SIGINT");
    child.kill("SIGINT");
    const sent = performance.now();
    const { code, signal, err } = await end;
    // Two signals that come together may be delivered as one, which ends with the draws so far.
    expect(signal === "SIGINT" ? 130 : code).toBeOneOf([130, 2, 1]);
    expect(performance.now() - sent).toBeLessThan(10_000);
    expect(err).not.toMatch(/internal error|\n +at /);
  });
});

describe("closed pipes", () => {
  test("head takes a line of much and the command stays silent", async () => {
    const child = startTilde("compile", ...eightSchools, "--dump", "wat");
    let first = "";
    child.stdout.once("data", (chunk: Buffer) => {
      first = chunk.toString();
      child.stdout.destroy();
    });
    let err = "";
    child.stderr.on("data", (chunk: Buffer) => {
      err += chunk.toString();
    });
    const code = await new Promise((resolve) => child.on("exit", resolve));
    expect(first).toMatch(/^\(module/);
    expect({ code, err }).toEqual({ code: 0, err: "" });
  });

  test("a closed stderr does not keep the results from stdout", async () => {
    const unused = scratch.file("unused.json", '{ "nobody": 1 }');
    const child = startTilde("run", ...eightSchools, "--data", unused, "--json");
    child.stderr.destroy();
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
    });
    await new Promise((resolve) => child.on("close", resolve));
    expect(Object.keys(JSON.parse(out))).toContain("variables");
  });
});

test("no mistake prints a stack or leaves the exit code at 0", async () => {
  const wrong = scratch.file("wrong.ppl", "model m( { x ~ Normal(0, sigm) ]\n");
  const data = scratch.file("bad.json", '{ "J": 8,\n  "y": [1, oops] }\n');
  const mistakes: readonly string[][] = [
    [],
    ["rnu"],
    ["run"],
    ["run", wrong],
    ["run", scratch.path],
    ["run", eightSchools[0], "--data", data],
    ["run", eightSchools[0], "--data", scratch.path],
    ["run", ...eightSchools, "--chains", "x"],
    ["run", ...eightSchools, "--vars", "nobody"],
    ["run", ...eightSchools, "--method", "nutz"],
    ["check", wrong],
    ["fmt", wrong],
    ["compile", wrong, "--dump", "ast"],
    ["compile", ...eightSchools, "--dump", "watt"],
    ["explain", wrong],
  ];
  const before = readFileSync(wrong, "utf8");
  for (let k = 0; k < mistakes.length; k += 2) {
    const pair = mistakes.slice(k, k + 2);
    const ends = await Promise.all(pair.map((args) => tildeProcess(...args)));
    ends.forEach(({ code, out, err }, i) => {
      const what = pair[i].join(" ");
      expect(code, what).toBe(1);
      expect(err.length, what).toBeGreaterThan(0);
      expect(out + err, what).not.toMatch(/internal error|\n +at |node:internal/);
    });
  }
  expect(readFileSync(wrong, "utf8")).toBe(before);
});
