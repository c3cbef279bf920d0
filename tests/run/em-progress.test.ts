/** EM tells of its way from the first iterations on, short runs from several starts included. */
import { expect, test } from "vitest";
import { maximise } from "../../src/run/em.js";
import { em } from "../../src/run/methods.js";
import type { SessionProgress } from "../../src/run/session.js";
import { jobOf } from "../devices/run/fixtures.js";
import { emModel, points } from "../devices/run/mixtures.js";

test("short runs first, then the long one, each iteration once", async () => {
  const { run } = jobOf(emModel("mixture_diag"), { N: 60, K: 2, D: 2, x: points(60) });
  const told: SessionProgress[] = [];
  const options = { ...run.options, onProgress: (p: SessionProgress) => void told.push(p) };
  await maximise({ ...run, options }, em({ restarts: 3, maxIterations: 200 }));
  const short = told.filter((p) => p.phase === "warmup");
  expect(short.length).toBeGreaterThan(3);
  expect(short.every((p, k) => k === 0 || p.done > short[k - 1].done)).toBe(true);
  expect(short.every((p) => p.total === 45 && p.done <= 45)).toBe(true);
  const long = told.filter((p) => p.phase === "sampling");
  expect(long[0].total).toBe(200);
  expect(told.indexOf(long[0])).toBe(short.length);
});
