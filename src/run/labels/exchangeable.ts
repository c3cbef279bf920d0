/**
 * Which components of a model may change places: axes of latent variables along which a
 * permutation, applied to all of them and to the labels at once, leaves the log joint as it is.
 * Found by testing that identity at random points and not from the text, so every spelling of a
 * mixture or a hidden Markov model counts, and nothing that only looks like one.
 */
import { TildeError } from "../../base/diagnostic.js";
import { compileKernels, createMemory, instantiate } from "../../device/cpu/compile.js";
import { directKernels, inputBuffer } from "../../inference/conditionals/kernels.js";
import { loadState, type RandomState, randomStates } from "../../inference/conditionals/states.js";
import type { KernelInstance } from "../../inference/contract.js";
import { buildDirectJoint, type DirectJoint, STATES } from "../../inference/logjoint/direct.js";
import { isDiscrete } from "../../inference/logjoint/latents.js";
import type { RandomStream } from "../../math/rng/random.js";
import { stream } from "../../math/rng/random.js";
import type { DistExpr, Stmt } from "../../model/ir.js";
import { printSize } from "../../model/size.js";
import { type Conditioned, concreteDims } from "../../passes/condition/index.js";

/** A latent variable whose axes the components run along. */
export interface ComponentAxes {
  readonly name: string;
  readonly axes: readonly number[];
}

export interface Exchangeable {
  /** The number of components. */
  readonly size: number;
  readonly variables: readonly ComponentAxes[];
  /** Discrete sites whose values are labels of the components. */
  readonly labels: readonly string[];
}

/** Larger numbers of scalars or labels are not tested: the summary stays as it is. */
const SCALAR_LIMIT = 200_000;
/** Choices of axes that are tried for one number of components. */
const CHOICES = 64;
const STATE_TESTS = 3;
const SEED = 20_000_617;

/** Sets of exchangeable components; empty where there are none. */
export function findExchangeable(conditioned: Conditioned): Exchangeable[] {
  const sizes = mixtureSizes(conditioned);
  const hasLabels = conditioned.model.variables.some((v) => {
    const given = conditioned.observed.get(v.name);
    return v.role === "site" && isDiscrete(v.support) && (!given || given.missing !== undefined);
  });
  if (sizes.size === 0 && !hasLabels) return [];
  let joint: DirectJoint;
  try {
    joint = buildDirectJoint(conditioned, new Set(), "labels");
  } catch (error) {
    // A model with infinitely many labels, say: none of those can be told apart here.
    if (error instanceof TildeError) return [];
    throw error;
  }
  for (const site of joint.discrete) sizes.add(site.count);
  const scalars = joint.sites.reduce((n, s) => n + s.latent.length, 0);
  const states = joint.states?.shape[0] ?? 0;
  const candidates = [...sizes].filter((k) => k > 1).map((k) => candidatesOf(joint, k));
  const wanted = candidates.filter((c) => c.axes.length > 0);
  if (wanted.length === 0 || scalars + states > SCALAR_LIMIT) return [];
  const program = compileKernels(directKernels(joint, { lp: true }));
  const instance = instantiate(program, createMemory(program, 1), 0);
  const draw = randomStates(conditioned, "labels");
  return wanted.flatMap((candidate) => test(joint, instance, draw, candidate) ?? []);
}

interface Axis {
  /** Index among the joint's sites. */
  readonly site: number;
  readonly axis: number;
  /** Of its length, as the model writes it. */
  readonly size: string;
}
interface Candidate {
  readonly size: number;
  readonly axes: readonly Axis[];
  /** Indices among the joint's discrete sites. */
  readonly labels: readonly number[];
}

/** Numbers of components of the mixtures that are distributions. */
function mixtureSizes(conditioned: Conditioned): Set<number> {
  const sizes = new Set<number>();
  const inDist = (dist: DistExpr): void => {
    if (dist.kind === "mixture") {
      const { binder, components } = dist;
      const [size] =
        binder === undefined ? [components.length] : concreteDims(conditioned, [binder.size]);
      sizes.add(size);
      components.forEach(inDist);
    } else if ("base" in dist) inDist(dist.base);
  };
  const inStatements = (body: readonly Stmt[]): void => {
    for (const s of body) {
      if (s.kind === "site" || s.kind === "observe") inDist(s.dist);
      else if (s.kind === "for") inStatements(s.body);
      else if (s.kind === "if") {
        inStatements(s.then);
        inStatements(s.else);
      }
    }
  };
  inStatements(conditioned.model.body);
  return sizes;
}

function candidatesOf(joint: DirectJoint, size: number): Candidate {
  const axes: Axis[] = [];
  joint.sites.forEach(({ latent }, site) => {
    if (latent.elements !== undefined) return;
    latent.dims.forEach((d, axis) => {
      if (d === size) axes.push({ site, axis, size: printSize(latent.variable.type.dims[axis]) });
    });
  });
  const labels = joint.discrete.flatMap((s, k) => (s.count === size ? [k] : []));
  return { size, axes, labels };
}

/** The largest set of axes (of few choices) along which permutations change nothing. */
function test(
  joint: DirectJoint,
  instance: KernelInstance,
  draw: (rng: RandomStream) => RandomState,
  candidate: Candidate,
): Exchangeable | undefined {
  const states = Array.from({ length: STATE_TESTS }, (_, k) => {
    const rng = stream(SEED, 0, candidate.size, k);
    return { state: draw(rng), permutation: derangement(candidate.size, k, rng) };
  });
  for (const choice of choices(candidate)) {
    const isInvariant = states.every(({ state, permutation }) => {
      loadState(joint, instance, state);
      const before = instance.call("lp");
      permuteState(joint, instance, state, candidate.size, choice, permutation);
      const after = instance.call("lp");
      return Math.abs(after - before) <= 1e-9 * (1 + Math.abs(before));
    });
    if (!isInvariant) continue;
    const names = [...new Set(choice.axes.map((a) => a.site))];
    const ordered = names.some((site) => {
      return joint.sites[site].supports.some((s) => s.kind.endsWith("ordered"));
    });
    // An order tells the components apart, whatever the density says of other orders.
    if (ordered) return undefined;
    return {
      size: candidate.size,
      variables: names.map((site) => ({
        name: joint.sites[site].latent.name,
        axes: choice.axes.filter((a) => a.site === site).map((a) => a.axis),
      })),
      labels: choice.labels.map((k) => joint.discrete[k].name),
    };
  }
  return undefined;
}

interface Choice {
  readonly axes: readonly Axis[];
  readonly labels: readonly number[];
}

/** All axes first, then those of one spelling of the size, then smaller sets. */
function* choices({ axes, labels }: Candidate): Generator<Choice> {
  yield { axes, labels };
  for (const size of new Set(axes.map((a) => a.size))) {
    const same = axes.filter((a) => a.size === size);
    if (same.length < axes.length) yield { axes: same, labels };
  }
  const items = axes.length + (labels.length > 1 ? labels.length : 0);
  if (items > 6) return;
  const sets = Array.from({ length: 2 ** items - 1 }, (_, k) => k)
    .map((bits) => ({ bits, count: [...bits.toString(2)].filter((b) => b === "1").length }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, CHOICES);
  for (const { bits } of sets) {
    const has = (k: number): boolean => ((bits >> k) & 1) === 1;
    const chosen = axes.filter((_, k) => has(k));
    if (chosen.length === 0) continue;
    const own = labels.length > 1 ? labels.filter((_, k) => has(axes.length + k)) : labels;
    yield { axes: chosen, labels: own };
  }
}

/** Moves every component; the first one is a cycle, so that no subgroup is missed. */
function derangement(size: number, index: number, rng: RandomStream): Int32Array {
  const cycle = Int32Array.from({ length: size }, (_, k) => (k + 1) % size);
  if (index === 0) return cycle;
  const out = Int32Array.from({ length: size }, (_, k) => k);
  for (let k = size - 1; k > 0; k--) {
    const other = rng.int(k + 1);
    [out[k], out[other]] = [out[other], out[k]];
  }
  return out.some((v, k) => v !== k) ? out : cycle;
}

function permuteState(
  joint: DirectJoint,
  instance: KernelInstance,
  state: RandomState,
  size: number,
  choice: Choice,
  permutation: Int32Array,
): void {
  loadState(joint, instance, state);
  for (const site of new Set(choice.axes.map((a) => a.site))) {
    const { latent } = joint.sites[site];
    const axes = choice.axes.filter((a) => a.site === site).map((a) => a.axis);
    const from = positions(latent.dims, axes, permutation);
    const own = state.own[site];
    instance.f64(inputBuffer(site)).set(Float64Array.from(from, (p) => own[p]));
  }
  const inverse = inverseOf(permutation);
  for (const k of choice.labels) {
    const { dims, offset, count } = joint.discrete[k];
    if (count !== size) continue;
    const length = dims.reduce((n, d) => n * d, 1);
    const values = instance.f64(STATES).subarray(offset, offset + length);
    values.forEach((v, i) => {
      values[i] = inverse[v];
    });
  }
}

export function inverseOf(permutation: Int32Array): Int32Array {
  const inverse = new Int32Array(permutation.length);
  permutation.forEach((p, k) => {
    inverse[p] = k;
  });
  return inverse;
}

/** For each entry of the permuted array (component k there is `permutation[k]` here) its source. */
export function positions(
  dims: readonly number[],
  axes: readonly number[],
  permutation: Int32Array,
): Int32Array {
  const total = dims.reduce((n, d) => n * d, 1);
  const out = new Int32Array(total);
  for (let at = 0; at < total; at++) {
    let rest = at;
    let from = 0;
    let stride = 1;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const index = rest % dims[axis];
      rest = (rest - index) / dims[axis];
      from += stride * (axes.includes(axis) ? permutation[index] : index);
      stride *= dims[axis];
    }
    out[at] = from;
  }
  return out;
}
