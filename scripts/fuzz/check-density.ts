/**
 * The log density by every path: the interpreter, the graph, the simplified graph and the compiled
 * kernel agree, and the gradient is the slope.
 */
import { compileKernels, createMemory, instantiate } from "../../src/device/cpu/compile.js";
import { buildLogJoint, type LogJoint } from "../../src/inference/logjoint/index.js";
import { type DataSet, type DataValue, elementCount } from "../../src/model/data.js";
import type { Conditioned } from "../../src/passes/condition/index.js";
import { logJointTerms } from "../../src/passes/interpret/log-joint.js";
import { compileDensity } from "../../src/run/compile.js";
import { evaluate } from "../../src/tensor/evaluate.js";
import { type Case, conditionedOf, Finding } from "./case.js";
import { Choices } from "./choices.js";

/** Assignments of the discrete sites that are listed, at most. */
const MOST_ASSIGNMENTS = 400;
/** Rounding of sums in another order, relative to the size of the terms. */
const ROUNDING = 1e-9;

/** Whole arrays from the latent scalars, gaps of observed sites filled. */
export function wholeArrays(
  joint: Pick<LogJoint, "latents">,
  constrained: Float64Array,
  observed: DataSet,
): Map<string, DataValue> {
  const values = new Map<string, DataValue>();
  for (const { name, dims, elements, offset, length } of joint.latents) {
    const own = constrained.slice(offset, offset + length);
    const data =
      elements === undefined
        ? own
        : (observed.get(name)?.data.slice() ?? new Float64Array(elementCount(dims)));
    elements?.forEach((at, k) => {
      data[at] = own[k];
    });
    values.set(name, { dims, data });
  }
  return values;
}

interface Reference {
  readonly value: number;
  /** Sum of the sizes of the terms. */
  readonly scale: number;
}

/** The log joint by its definition, discrete sites by listing every assignment. */
export function interpreted(
  conditioned: Conditioned,
  joint: LogJoint,
  constrained: Float64Array,
): Reference | undefined {
  const values = wholeArrays(joint, constrained, conditioned.observed);
  const sites = joint.sum?.sites ?? [];
  const elements = sites.flatMap((site) =>
    Array.from({ length: elementCount(site.dims) }, () => site),
  );
  if (elements.reduce((n, s) => n * s.count, 1) > MOST_ASSIGNMENTS) return undefined;
  const logs: number[] = [];
  let scale = 0;
  const state = elements.map(() => 0);
  for (;;) {
    let at = 0;
    for (const site of sites) {
      const data = Float64Array.from(
        { length: elementCount(site.dims) },
        () => site.low + state[at++],
      );
      values.set(site.name, { dims: site.dims, data });
    }
    const terms = logJointTerms(conditioned, values).map((t) => t.value);
    logs.push(terms.reduce((a, b) => a + b, 0));
    scale = Math.max(
      scale,
      terms.reduce((a, b) => a + (Number.isFinite(b) ? Math.abs(b) : 0), 0),
    );
    let next = elements.length - 1;
    while (next >= 0 && state[next] === elements[next].count - 1) state[next--] = 0;
    if (next < 0) break;
    state[next]++;
  }
  const top = Math.max(...logs);
  const value = Number.isFinite(top)
    ? top + Math.log(logs.reduce((n, x) => n + Math.exp(x - top), 0))
    : top;
  return { value: logs.some(Number.isNaN) ? Number.NaN : value, scale };
}

function differ(a: number, b: number, tolerance: number): boolean {
  if (Object.is(a, b) || a === b) return false;
  return !(Math.abs(a - b) <= tolerance);
}

/**
 * All densities at a few points. Points where the density is not a number by the reference too are
 * passed by, as are those where it changes by rounding of the point itself.
 * @throws TildeError where the model is refused, Finding where two paths differ
 */
export function checkDensity(c: Case): { readonly points: number } {
  const conditioned = conditionedOf(c);
  const joint = buildLogJoint(conditioned, "nuts");
  const compiled = compileDensity(conditioned, {
    methodName: "nuts",
    verify: true,
    withoutJacobian: true,
  });
  const code = compileKernels(compiled.kernels);
  const instance = instantiate(code, createMemory(code, 1), 0);
  const n = joint.dimension;
  const random = new Choices(c.seed, 77);
  const densityAt = (q: Float64Array) => evaluate([joint.logDensity], { q })[0][0];
  let points = 0;
  for (let k = 0; k < 3; k++) {
    const q = Float64Array.from({ length: n }, () => 0.6 * random.normal());
    const [[density], [plain], constrained] = evaluate(
      [joint.logDensity, joint.logJoint, joint.constrained],
      { q },
    );
    const reference = interpreted(conditioned, joint, constrained);
    const moved = q.map((x, i) => x + (i % 2 === 0 ? 1e-9 : -1e-9) * (1 + Math.abs(x)));
    // How much 1e-14 of relative change in the point moves the density: its own conditioning.
    const shaky = Math.abs(densityAt(moved) - density) * 1e-5;
    if (reference !== undefined) {
      const tolerance = ROUNDING * (1 + reference.scale) + shaky;
      if (differ(reference.value, plain, tolerance)) {
        throw new Finding(
          `the graph's log joint is ${plain}, the interpreter's ${reference.value} at [${q.join(", ")}]`,
        );
      }
    }
    const scale = 1 + Math.abs(density) + (reference?.scale ?? 0);
    instance.f64("q").set(q);
    const fromKernel = instance.fn("lp_grad")();
    const gradient = instance.f64("grad").slice();
    if (differ(fromKernel, density, ROUNDING * scale + shaky)) {
      throw new Finding(
        `the kernel's log density is ${fromKernel}, the graph's ${density} at [${q.join(", ")}]`,
      );
    }
    const noJacobian = instance.fn("lp_grad_nojac")();
    if (differ(noJacobian, plain, ROUNDING * scale + shaky)) {
      throw new Finding(
        `the kernel's log joint is ${noJacobian}, the graph's ${plain} at [${q.join(", ")}]`,
      );
    }
    instance.fn("constrain")();
    instance.f64("constrained").forEach((x, i) => {
      if (differ(x, constrained[i], 1e-11 * (1 + Math.abs(x))))
        throw new Finding(
          `constrained[${i}] is ${x}, the graph's ${constrained[i]} at [${q.join(", ")}]`,
        );
    });
    if (!Number.isFinite(density)) continue;
    points++;
    checkSlope(densityAt, q, gradient, scale);
  }
  return { points };
}

/** The gradient against central differences of two steps, where those two agree with each other. */
function checkSlope(
  f: (q: Float64Array) => number,
  q: Float64Array,
  gradient: Float64Array,
  scale: number,
): void {
  const at = (i: number, by: number) => {
    const moved = q.slice();
    moved[i] += by;
    return f(moved);
  };
  /** Five points: the error is of fourth order. */
  const slope = (i: number, h: number) =>
    (8 * (at(i, h) - at(i, -h)) - (at(i, 2 * h) - at(i, -2 * h))) / (12 * h);
  gradient.forEach((g, i) => {
    const [wide, narrow] = [slope(i, 2e-3), slope(i, 1e-3)];
    const size = 1 + Math.abs(narrow);
    const noise = (1e-11 * scale) / 1e-3;
    if (!Number.isFinite(narrow) || !(Math.abs(wide - narrow) < 1e-5 * size + noise)) return;
    if (differ(g, narrow, 1e-4 * size + 10 * noise)) {
      throw new Finding(`gradient[${i}] is ${g}, the slope ${narrow} at [${q.join(", ")}]`);
    }
  });
}
