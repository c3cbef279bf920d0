/** The built command as a process: exit codes, streams, signals, threads, files. */
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { eightSchools, ended, scratchFolder, startTilde, tildeProcess } from "../helpers/cli.js";

const scratch = scratchFolder();

interface Summary {
  readonly variables: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly diagnostics: Readonly<Record<string, unknown>>;
}

/** The columns of a draws.csv by name, and its comment lines. */
function readDraws(path: string) {
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  const comments = lines.filter((l) => l.startsWith("#"));
  const [header, ...rows] = lines.filter((l) => !l.startsWith("#"));
  const names = header.split(",");
  const values = rows.map((l) => l.split(",").map(Number));
  const column = (name: string): number[] => values.map((r) => r[names.indexOf(name)]);
  return { comments, names, rows: values, column };
}

describe("tilde run as a process", () => {
  test("the README's command: files agree with each other and with --json", async () => {
    const out = `${scratch.path}/eight`;
    const {
      code,
      out: printed,
      err,
    } = await tildeProcess("run", ...eightSchools, "--out", out, "--json");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const summary = JSON.parse(printed) as Summary;
    expect(JSON.parse(readFileSync(`${out}/summary.json`, "utf8"))).toEqual(summary);
    expect(Object.keys(summary).sort()).toEqual(
      ["diagnostics", "method", "model", "seed", "timing", "variables"].sort(),
    );
    const indexed = (name: string) => Array.from({ length: 8 }, (_, j) => `${name}[${j}]`);
    const names = ["mu", "tau", ...indexed("eta"), ...indexed("theta")];
    expect(Object.keys(summary.variables)).toEqual(names);
    for (const figures of Object.values(summary.variables)) {
      expect(Object.keys(figures)).toEqual([
        "mean",
        "sd",
        "mcse_mean",
        "q5",
        "q50",
        "q95",
        "ess_bulk",
        "ess_tail",
        "rhat",
      ]);
    }
    const draws = readDraws(`${out}/draws.csv`);
    expect(draws.comments).toContain("# model = eight_schools");
    expect(draws.names).toEqual(["chain__", "draw__", "lp__", ...names]);
    expect(draws.rows.length).toBe(4000);
    expect(new Set(draws.column("chain__"))).toEqual(new Set([0, 1, 2, 3]));
    expect(draws.column("draw__").slice(0, 1000)).toEqual([...Array(1000).keys()]);
    for (const name of names) {
      const x = draws.column(name);
      const mean = x.reduce((a, b) => a + b, 0) / x.length;
      const tolerance = 1e-12 * Math.max(...x.map(Math.abs));
      expect(Math.abs(mean - summary.variables[name].mean)).toBeLessThan(tolerance);
    }
    // A let is what its definition says of the same draw.
    const [mu, tau, eta, theta] = ["mu", "tau", "eta[3]", "theta[3]"].map(draws.column);
    for (const [i, t] of theta.entries()) expect(t).toBeCloseTo(mu[i] + tau[i] * eta[i], 12);
  });

  test("the same draws from one thread and from two", async () => {
    const files = await Promise.all(
      ["1", "2"].map(async (threads) => {
        const out = `${scratch.path}/threads${threads}`;
        // Long enough that the second thread starts and takes chains of its own.
        const flags = ["--threads", threads, "--draws", "5000", "--thin", "4", "--vars", "mu,tau"];
        const { code } = await tildeProcess("run", ...eightSchools, ...flags, "--out", out);
        expect(code).toBe(0);
        return readFileSync(`${out}/draws.csv`, "utf8");
      }),
    );
    expect(files[0].length).toBeGreaterThan(20_000 * 20);
    expect(files[1] === files[0]).toBe(true);
  });

  test("Ctrl-C keeps the draws so far and ends with code 2", async () => {
    // Far more draws than there is time for.
    const flags = ["--draws", "100000", "--thin", "1000"];
    for (const seconds of [1.5, 5, 15]) {
      const out = `${scratch.path}/interrupted${seconds}`;
      const child = startTilde("run", ...eightSchools, ...flags, "--out", out);
      const end = ended(child);
      await wait(seconds * 1000);
      child.kill("SIGINT");
      const { code, err, out: printed, signal } = await end;
      // On a busy machine the signal may come before the first draw: wait longer then.
      if (signal !== null || err.includes("before the first draw")) continue;
      expect(code).toBe(2);
      expect(printed).toContain("(interrupted)");
      expect(err).not.toMatch(/\n +at /);
      const summary = JSON.parse(readFileSync(`${out}/summary.json`, "utf8")) as Summary;
      expect(summary.diagnostics.interrupted).toBe(true);
      const { chains, draws } = summary.diagnostics as { chains: number; draws: number };
      expect(draws).toBeGreaterThan(0);
      expect(draws).toBeLessThan(100_000);
      expect(readDraws(`${out}/draws.csv`).rows.length).toBe(chains * draws);
      return;
    }
    expect.unreachable("no draws within 15 s");
  });

  test("a reader that closes the pipe early is no error", async () => {
    const child = startTilde("compile", eightSchools[0], ...eightSchools.slice(1), "--dump", "wat");
    child.stdout.destroy();
    let err = "";
    child.stderr.on("data", (text) => {
      err += text;
    });
    const [code] = (await once(child, "exit")) as [number];
    expect({ code, err }).toEqual({ code: 0, err: "" });
  });

  test("errors are code 1, one line of help, no stack, nothing on stdout", async () => {
    const { code, out, err } = await tildeProcess("run", `${scratch.path}/none.ppl`);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain("there is no such file");
    expect(err).not.toMatch(/\n +at /);
    expect(existsSync(`${scratch.path}/none.ppl`)).toBe(false);
  });
});
