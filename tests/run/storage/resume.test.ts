/** Runs that stop in the middle go on to the very draws of a run that did not stop. */
import {
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import * as tilde from "../../../src/index.js";
import { scratchFolder } from "../../helpers/cli.js";

const scratch = scratchFolder();

const schools = tilde.compile(`
model schools(J: int, sigma: positive[J]) {
  mu ~ Normal(0, 5)
  tau ~ HalfCauchy(5)
  for j in 0..J { theta[j] ~ Normal(mu, tau) }
  for j in 0..J { y[j] ~ Normal(theta[j], sigma[j]) }
  let spread = tau ^ 2
}`);
const schoolsData = {
  J: 8,
  sigma: [15, 10, 16, 11, 9, 11, 10, 18],
  y: [28, 8, -3, 7, -1, 1, 18, 12],
};

const mixture = tilde.compile(`
model mixture(N: int) {
  w ~ Dirichlet([1, 1])
  s ~ Gamma(2, 1)
  c ~ Cauchy(0, 1)
  for k in 0..2 { mu[k] ~ Normal(c, 5) }
  for i in 0..N { z[i] ~ Categorical(w); y[i] ~ Normal(mu[z[i]], s) }
}`);
const mixtureData = { N: 6, y: [-2, -2.2, -1.8, 2.1, 1.9, 2.4] };

const length = { chains: 2, warmup: 150, draws: 120, thin: 2 };
const cases: readonly [string, tilde.Program, Record<string, unknown>, tilde.Method][] = [
  ["nuts", schools, schoolsData, tilde.nuts(length)],
  ["nuts dense", schools, schoolsData, tilde.nuts({ ...length, metric: "dense" })],
  ["hmc", schools, schoolsData, tilde.hmc(length)],
  ["gibbs", mixture, mixtureData, tilde.gibbs(length)],
  ["gibbs random", mixture, mixtureData, tilde.gibbs({ ...length, scan: "random" })],
  ["gibbs nuts", mixture, mixtureData, tilde.gibbs({ ...length, sites: { c: "nuts", s: "hmc" } })],
];

function drawsOf(fit: tilde.Posterior): Record<string, unknown> {
  const variables = Object.fromEntries(fit.names.map((n) => [n, fit.draws(n)]));
  const statistics = fit.fit.chains.map((c) => ({ ...c.statistics }));
  return { ...variables, statistics, steps: fit.fit.chains.map((c) => c.stepSize) };
}

describe.each(cases)("%s", (name, model, data, method) => {
  const options = { data, method, seed: 5, threads: 1 };
  const folder = (what: string) => join(scratch.path, `${name.replace(" ", "-")}-${what}`);

  test("streamed draws are the draws of a run in memory", async () => {
    const memory = await tilde.infer(model, options);
    const streamed = await tilde.infer(model, { ...options, out: folder("whole") });
    expect(drawsOf(streamed)).toEqual(drawsOf(memory));
    expect(streamed.summary().rows).toEqual(memory.summary().rows);
    expect(drawsOf(await tilde.loadFit(folder("whole")))).toEqual(drawsOf(memory));
  });

  test.each([
    ["the warmup", "warmup", 0, 87],
    ["the end of the warmup", "warmup", 0, 150],
    ["the draws", "sampling", 0, 61],
    ["the second chain", "sampling", 1, 17],
  ] as const)("stopped in %s and taken up again", async (_, phase, chain, done) => {
    const whole = await tilde.loadFit(folder("whole"));
    const out = folder(`${phase}-${chain}-${done}`);
    const stop = new AbortController();
    const onProgress = (p: tilde.SessionProgress): void => {
      if (p.phase === phase && p.chain === chain && p.done >= done) stop.abort();
    };
    // A clock by which every iteration is long: each is told, and a block is written now and then.
    let now = 0;
    const clock = vi.spyOn(performance, "now").mockImplementation(() => {
      now += 30;
      return now;
    });
    const first = await tilde.infer(model, { ...options, out, onProgress, signal: stop.signal });
    clock.mockRestore();
    expect(first.interrupted).toBe(true);
    const known = first.fit.chains[0]?.draws ?? 0;
    if (phase === "sampling") expect(known).toBeGreaterThan(0);
    if (chain === 0) expect(known).toBeLessThan(120);
    const finished = await tilde.resume(out);
    expect(finished.interrupted).toBe(false);
    expect(drawsOf(finished)).toEqual(drawsOf(whole));
    expect(drawsOf(await tilde.loadFit(out))).toEqual(drawsOf(whole));
  });
});

/** Bit for bit, and in a moment where there are many. */
function sameNumbers(a: Float64Array, b: Float64Array): boolean {
  const bytes = (x: Float64Array) => Buffer.from(x.buffer, x.byteOffset, x.byteLength);
  return bytes(a).equals(bytes(b));
}

describe("files that are not whole", () => {
  // 3000 scalars: a block is 43 draws.
  const wide = tilde.compile("model wide() {\n  x ~ iid(Normal(0, 1), 3000)\n}\n");
  const options = {
    method: tilde.hmc({ chains: 1, warmup: 20, draws: 150 }),
    seed: 2,
    threads: 1,
  };
  const whole = join(scratch.path, "wide");
  const file = "chain-0.draws";

  /** The folder as a process leaves it that is killed: without the outcome, and with a broken tail. */
  function broken(name: string, change: (path: string) => void): string {
    const folder = join(scratch.path, name);
    cpSync(whole, folder, { recursive: true });
    rmSync(join(folder, "fit.json"));
    change(join(folder, file));
    return folder;
  }

  test("every block before the damage is read, and the rest is made again", async () => {
    const expected = (await tilde.infer(wide, { ...options, out: whole })).draws("x").data;
    const size = statSync(join(whole, file)).size;
    const changes: readonly [string, number, (path: string) => void][] = [
      ["nothing", 150, () => {}],
      ["tail", 129, (path) => truncateSync(path, size - 1)],
      ["half", 43, (path) => truncateSync(path, Math.floor(size / 2))],
      ["header", 0, (path) => truncateSync(path, 20)],
      ["empty", 0, (path) => truncateSync(path, 0)],
      ["absent", 0, (path) => rmSync(path)],
      [
        "flipped",
        86,
        (path) => {
          const bytes = readFileSync(path);
          bytes[Math.floor(size * 0.7)] ^= 1;
          writeFileSync(path, bytes);
        },
      ],
      ["state", 150, (path) => writeFileSync(path.replace(".draws", ".state"), "nothing of use")],
    ];
    for (const [name, draws, change] of changes) {
      const folder = broken(name, change);
      const read = await tilde.loadFit(folder);
      expect(read.interrupted, name).toBe(true);
      expect(read.fit.chains[0]?.draws ?? 0, name).toBe(draws);
      if (draws > 0) {
        expect(sameNumbers(read.draws("x").data, expected.subarray(0, draws * 3000)), name).toBe(
          true,
        );
      }
      const resumed = (await tilde.resume(folder)).draws("x").data;
      expect(sameNumbers(resumed, expected), name).toBe(true);
    }
  });

  test("a finished run is read; a damaged one is told", async () => {
    const before = readFileSync(join(whole, file));
    expect((await tilde.resume(whole)).interrupted).toBe(false);
    expect(readFileSync(join(whole, file)).equals(before)).toBe(true);
    const folder = join(scratch.path, "damaged");
    cpSync(whole, folder, { recursive: true });
    truncateSync(join(folder, file), before.length - 1);
    await expect(tilde.loadFit(folder)).rejects.toThrow("129 of 150 draws can be read");
    await expect(tilde.resume(folder)).rejects.toThrow("129 of 150 draws can be read");
    writeFileSync(join(folder, "run.json"), '{"content": {"version": 7}}');
    await expect(tilde.loadFit(folder)).rejects.toThrow("of version 7");
    writeFileSync(join(folder, "run.json"), '{"content": ');
    await expect(tilde.loadFit(folder)).rejects.toThrow("cannot be read");
    await expect(tilde.loadFit(scratch.path)).rejects.toThrow("there is no `run.json` in it");
    await expect(tilde.loadFit(join(scratch.path, "no"))).rejects.toThrow("no such folder");
  });

  test("draws of another run in the same folder are no draws of this one", async () => {
    const folder = broken("other", () => {});
    const other = join(scratch.path, "seed");
    await tilde.infer(wide, { ...options, seed: 3, out: other });
    cpSync(join(other, file), join(folder, file));
    expect((await tilde.loadFit(folder)).fit.chains).toEqual([]);
  });

  test("a full disk and a folder that cannot be are told", async () => {
    const folder = join(scratch.path, "full");
    mkdirSync(folder);
    symlinkSync("/dev/full", join(folder, file));
    // A link is what an earlier run left: it goes. One to the state's new file stays in the way.
    symlinkSync("/dev/full", join(folder, "chain-0.state.new"));
    await expect(tilde.infer(wide, { ...options, out: folder })).rejects.toThrow(
      /cannot write to `.*chain-0.state`: the disk is full/,
    );
    await expect(tilde.infer(wide, { ...options, out: "/proc/x" })).rejects.toThrow(
      "cannot write to `/proc/x`",
    );
    const plain = scratch.file("plain", "");
    await expect(tilde.infer(wide, { ...options, out: join(plain, "x") })).rejects.toThrow(
      /cannot write to .*is no folder/,
    );
  });

  test("methods that keep no blocks cannot go on", async () => {
    const folder = join(scratch.path, "map");
    await (await tilde.infer(wide, { method: tilde.map() })).save(folder);
    rmSync(join(folder, "fit.json"));
    await expect(tilde.resume(folder)).rejects.toThrow("map kept nothing to go on from");
  });
});
