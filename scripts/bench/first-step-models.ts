/** The two models of `first-step.ts`: eight schools and a VAE of MNIST's shapes. */
import { stream } from "../../src/math/rng/random.js";
import { eightSchools, vae } from "../bench-gpu/texts.js";

export interface First {
  readonly text: string;
  /** The model's name in the text. */
  readonly model: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** Climbed by `svi` with minibatches of these sizes; without, `vi` fits it. */
  readonly batch?: Readonly<Record<string, number>>;
}

function pictures(rows: number, pixels: number): number[][] {
  const rng = stream(1, 2, 3, 4);
  return Array.from({ length: rows }, () =>
    Array.from({ length: pixels }, () => (rng.uniform() < 0.2 ? 1 : 0)),
  );
}

export const firstModels = {
  schools: (): First => ({
    text: eightSchools,
    model: "eight_schools",
    data: { J: 8, y: [28, 8, -3, 7, -1, 1, 18, 12], sigma: [15, 10, 16, 11, 9, 11, 10, 18] },
  }),
  vae: (): First => ({
    text: vae,
    model: "vae",
    data: { N: 1024, D: 784, d: 20, H: 400, x: pictures(1024, 784) },
    batch: { N: 128 },
  }),
} as const;
export type FirstName = keyof typeof firstModels;
