/** How learning on a device ends: lost, stopped, diverged; and how often it is asked. */
import { describe, expect, test } from "vitest";
import { TildeError } from "../../../src/base/diagnostic.js";
import type { GraphDevice } from "../../../src/device/contract.js";
import { Shelf } from "../../../src/run/device/auto.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { type SviOptions, svi } from "../../../src/run/methods.js";
import { DivergedError } from "../../../src/run/svi/index.js";
import { flat, jobOf, learnOn, lineData, lines, lostAt } from "./fixtures.js";
import { apart, type LearningCase, learnCase, learningCases } from "./learning-cases.js";

function caseOf(start: string, method: Partial<SviOptions>): LearningCase {
  const found = learningCases.find((c) => c.name.startsWith(start));
  if (found?.method.method !== "svi") throw new Error(`no case ${start}`);
  return { ...found, method: { ...found.method, ...method } };
}
const game = (method: Partial<SviOptions>) => caseOf("players: gan", method);

/** The CPU as a device that counts its calls. */
function counting(): { readonly device: GraphDevice; readonly calls: () => number } {
  const device = openCpuGraphs();
  let calls = 0;
  return {
    calls: () => calls,
    device: {
      ...device,
      compileLoop: async (spec) => {
        const loop = await device.compileLoop(spec);
        return {
          ...loop,
          steps: (...of) => {
            calls++;
            return loop.steps(...of);
          },
        };
      },
    },
  };
}

type Players = Record<string, { readonly history: number[]; readonly final: number }>;

describe("a device that is lost", () => {
  test("leaves players what each saw so far, and its number there", async () => {
    const fit = await learnCase(game({ steps: 5000 }), lostAt(9));
    expect(fit.interrupted).toBe(true);
    expect(fit.warnings.map((w) => w.code)).toContain("webgpu_lost");
    const steps = fit.figures.steps as number;
    expect(steps).toBeGreaterThan(0);
    expect(steps).toBeLessThan(5000);
    const told = fit.figures.players as unknown as Players;
    expect(Object.keys(told)).toEqual(["p", "critic"]);
    for (const { history, final } of Object.values(told)) {
      expect(history.length).toBeGreaterThan(0);
      expect(Number.isFinite(final)).toBe(true);
    }
  });

  test("leaves an objective its history", async () => {
    const method = svi({ steps: 5000, lr: 0.02, draws: 20 });
    const fit = await learnOn(jobOf(lines, lineData, lostAt(9)), method);
    const { history } = fit.figures.elbo as unknown as Players[string];
    expect(history.length).toBeGreaterThan(0);
  });

  test("after the last step takes nothing of the fit", async () => {
    // Calls of 1, 4, 10, …: those of the estimates begin when all steps are taken.
    const { device, calls } = counting();
    const own = game({ steps: 60 });
    const whole = await learnCase(own, device);
    const fit = await learnCase(own, lostAt(calls() - 1));
    expect(fit.interrupted).toBe(false);
    expect(fit.warnings.map((w) => w.code)).toContain("webgpu_lost");
    expect(fit.figures.steps).toBe(60);
    expect(flat(fit.params)).toEqual(flat(whole.params));
  });
});

test("a run that is stopped has a fit of the steps so far", async () => {
  const stop = new AbortController();
  const onProgress = ({ done }: { readonly done: number }): void => {
    if (done >= 200) stop.abort();
  };
  const options = { signal: stop.signal, onProgress };
  const { text, model, data, method } = game({ steps: 100_000 });
  const fit = await learnOn(jobOf(text, data, openCpuGraphs(), options, model), method);
  expect(fit.interrupted).toBe(true);
  expect(fit.figures.steps).toBeGreaterThanOrEqual(200);
  expect(fit.figures.steps).toBeLessThan(100_000);
});

describe("many steps a call", () => {
  test.each([
    ["cosine", { schedule: "cosine" }],
    ["warmup", { schedule: "constant", warmup: 500 }],
    ["players", { schedule: "cosine", warmup: 100 }],
  ] as const)("%s: step sizes change within calls", async (kind, settings) => {
    const { device, calls } = counting();
    const own =
      kind === "players" ? game({ steps: 4000 }) : caseOf("adam without", { steps: 4000 });
    const method = { ...own.method, ...settings };
    const there = await learnCase({ ...own, method }, device);
    // 50 windows of 80 steps, whose step sizes change every 4 steps; the first calls are shorter.
    // Estimates at the end come in calls of 80, too: 200 for each player at least.
    expect(calls()).toBeLessThan(80);
    const here = await learnCase({ ...own, method });
    expect(apart(here, there).params).toBeLessThan(1e-7);
  });
});

describe("what diverges", () => {
  async function ends(own: LearningCase, device?: GraphDevice): Promise<DivergedError> {
    const error: unknown = await learnCase(own, device).catch((e: unknown) => e);
    if (error instanceof DivergedError) return error;
    throw error instanceof TildeError ? error : new Error("nothing diverged");
  }
  const cliff = (body: string, method: Partial<SviOptions>): LearningCase => ({
    name: "cliff",
    text: `import objectives\n${body}`,
    data: { y: -9 },
    method: svi({ steps: 100, lr: 0.2, optimizer: "sgd", momentum: 0, draws: 5, ...method }),
  });

  test.each([
    [
      "at the first step",
      cliff("model m(y: real) { param w: real = 0.5\n observe y ~ Normal(log(0.35 - w), 1) }", {}),
    ],
    [
      "of players, in the second one's turn",
      cliff(
        `model m(y: real) {
  param a: real = 0.1
  param w: real = 0.0
  observe y ~ Normal(a, 1)
}
objective two(p) {
  param b: real = 0.2
  return -square(b - 1) for b
  return log_prob(p, data) + log(0.3 - b) for p(steps: 3)
}`,
        { objective: "two" },
      ),
    ],
    [
      "along natural gradients",
      cliff(
        `model m(y: real) { mu ~ Normal(0, 1)\n observe y ~ Normal(log(mu), 1) }
guide q() for m {
  param a: real = 2
  param s: positive = 0.2
  mu ~ Normal(a, s)
}`,
        { optimizer: "natural", lr: 0.5 },
      ),
    ],
  ] as const)("%s: the last finite params and the origin, as on the CPU", async (_, own) => {
    const [here, there] = [await ends(own), await ends(own, openCpuGraphs())];
    expect(there.why).toEqual(here.why);
    const [a, b] = [flat(here.params), flat(there.params)];
    expect(b.length).toBeGreaterThan(0);
    b.forEach((v, k) => {
      expect(v).toBeCloseTo(a[k], 10);
    });
  });
});

describe("the precision guard", () => {
  /** The CPU as a device in single precision whose params are read as what `wrong` makes of them. */
  function reading(wrong: (theta: Float64Array) => Float64Array): GraphDevice {
    const device = openCpuGraphs();
    return {
      ...device,
      precision: "f32",
      compileLoop: async (spec) => {
        const loop = await device.compileLoop(spec);
        const read = async (names: readonly string[]) => {
          const found = await loop.read(names);
          return found.theta === undefined ? found : { ...found, theta: wrong(found.theta) };
        };
        return { ...loop, read };
      },
    };
  }
  const natural = caseOf("natural: a normal vector and", {});

  test("looks at steps along natural gradients", async () => {
    const error: unknown = await learnCase(
      natural,
      reading((t) => t.map((v) => 1.3 * v)),
    ).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(TildeError);
    const { diagnostics, message } = error as TildeError;
    expect(diagnostics.map((d) => d.code)).toEqual(["device_imprecise"]);
    expect(message).toMatch(/element \d+ of the step/);
    const fine = await learnCase(
      natural,
      reading((t) => t),
    );
    expect(fine.warnings.map((w) => w.code)).not.toContain("device_rough");
  });
});

describe("auto", () => {
  test.each(["players: gan", "natural: a normal vector and"])(
    "times steps on devices for %s",
    async (name) => {
      const { text, model, data, method } = caseOf(name, { steps: 10_000_000 });
      const stop = new AbortController();
      const onProgress = (): void => stop.abort();
      const { run, ...job } = jobOf(
        text,
        data,
        undefined,
        { signal: stop.signal, onProgress },
        model,
      );
      const device: GraphDevice = { ...openCpuGraphs(), name: "webgpu" };
      const shelf = new Shelf(["webgpu"], async () => device);
      const fit = await learnOn({ ...job, run: { ...run, shelf } }, method);
      const micros = fit.figures.step_microseconds as Record<string, number>;
      expect(Object.keys(micros).sort()).toEqual(["cpu", "webgpu"]);
      expect(micros.webgpu).toBeGreaterThan(0);
    },
  );
});
