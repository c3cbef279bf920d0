/** What the samplers of many chains on a device share: starts, what they tell and what they give. */
import { type Diagnostic, TildeError } from "../../base/diagnostic.js";
import type { GraphDevice } from "../../device/contract.js";
import type { SamplerOptions, StartFailure } from "../../inference/contract.js";
import { manyDensities } from "../../inference/hamiltonian/many.js";
import { SITES } from "../../inference/hamiltonian/random.js";
import { MOST_TRIES } from "../../inference/hamiltonian/start.js";
import { stream } from "../../math/rng/index.js";
import type { Graph } from "../../tensor/ops.js";
import { superchainOf } from "../diagnostics/nested.js";
import type { ManyKeeper } from "./kept.js";

export interface ManyControls {
  readonly seed: number | bigint;
  /** Asked after every call to the device that ends a part of the warmup or brings draws. */
  readonly shouldStop: () => Promise<boolean>;
  readonly onProgress: (progress: ManyProgress) => void;
  /** Where the draws go as they come. */
  readonly keeper: ManyKeeper;
}
export interface ManyProgress {
  readonly phase: "warmup" | "sampling";
  readonly done: number;
  readonly total: number;
  readonly divergences: number;
  readonly gradients: number;
  readonly stepSize: number;
}

/** What the chains came to, beside their draws. */
export interface ManyDraws {
  readonly draws: number;
  readonly stepSize: number;
  readonly gradients: number;
  /** Further lines of the summary. */
  readonly figures: Readonly<Record<string, number>>;
  readonly interrupted: boolean;
  readonly seconds: { readonly warmup: number; readonly sampling: number };
  /** Of a device that was lost after the first draw. */
  readonly warnings: readonly Diagnostic[];
}
/** A start or a step size that was not found. */
export type ManyFailure =
  | StartFailure
  | { readonly kind: "step_size"; readonly search: "unbounded" | "vanishing" };

/** Doublings or halvings in the search for a first step size. */
const MOST_PROBES = 60;

/**
 * Doubles or halves the step size until the harmonic mean of acceptances of single steps crosses
 * 0.8. The steps count: they are moves like any other.
 * @param probe a step of each chain; gives that mean
 * @returns undefined where it was found
 */
export async function searchStepSize(
  probe: () => Promise<number>,
  scale: (factor: number) => void,
): Promise<"unbounded" | "vanishing" | undefined> {
  let direction = 0;
  for (let k = 0; k < MOST_PROBES; k++) {
    const wanted = (await probe()) > 0.8 ? 1 : -1;
    if (direction === 0) direction = wanted;
    else if (direction !== wanted) return undefined;
    scale(2 ** direction);
  }
  return direction > 0 ? "unbounded" : "vanishing";
}

/** Whether it is the device that a run has lost: a disk that is full ends it otherwise. */
export function isLost(error: unknown): error is TildeError {
  if (!(error instanceof TildeError)) return false;
  return error.diagnostics.every((d) => d.code !== "file_unwritable");
}

/** Positions with their densities. */
export interface Starts {
  readonly q: Float64Array;
  readonly lp: Float64Array;
  readonly grad: Float64Array;
}

/** From so many chains on they begin in groups at one point each, as nested R-hat asks. */
const MANY = 512;
const SUPERCHAINS = 16;

/** How many groups of chains begin at one point; undefined where each chain has its own. */
export function superchainsOf(chains: number): number | undefined {
  return chains < MANY ? undefined : SUPERCHAINS;
}

/**
 * Starting points, uniform on [-radius, radius]^d for each chain or superchain until its density and
 * gradient are finite.
 */
export async function findStarts(
  device: GraphDevice,
  density: Graph,
  { chains, initRadius }: SamplerOptions,
  seed: number | bigint,
): Promise<Starts | StartFailure> {
  const [d] = density.inputs[0].shape;
  const program = await device.compileGraph(manyDensities(density, chains));
  try {
    const q = new Float64Array(chains * d);
    const groups = superchainsOf(chains);
    let waiting = Array.from({ length: chains }, (_, c) => c);
    let found: Record<string, Float64Array> = {};
    const tries = initRadius > 0 ? MOST_TRIES : 1;
    for (let attempt = 0; attempt < tries && waiting.length > 0; attempt++) {
      for (const chain of waiting) {
        const key = groups === undefined ? chain : superchainOf(chain, chains, groups);
        const random = stream(seed, key, SITES.start, attempt);
        for (let i = 0; i < d; i++) {
          q[chain * d + i] = Math.fround(initRadius * (2 * random.uniform() - 1));
        }
      }
      found = await program.run({ q });
      const { lp, grad } = found;
      waiting = waiting.filter((chain) => {
        const own = grad.subarray(chain * d, (chain + 1) * d);
        return !(Number.isFinite(lp[chain]) && own.every(Number.isFinite));
      });
    }
    if (waiting.length === 0) return { q, lp: found.lp, grad: found.grad };
    const [chain] = waiting;
    const gradient = found.grad.subarray(chain * d, (chain + 1) * d);
    return {
      kind: "start",
      tries,
      position: q.slice(chain * d, (chain + 1) * d),
      lp: found.lp[chain],
      badGradient: [...gradient.keys()].filter((i) => !Number.isFinite(gradient[i])),
    };
  } finally {
    program.close();
  }
}
