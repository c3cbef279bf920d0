/** Sizes of the benchmarks: `tiny` shows that all of them run, `full` is for a large card. */
export interface Sizes {
  /** Elements of the arrays that bandwidth is measured with. */
  readonly elements: number;
  /** Of square products. */
  readonly product: number;
  readonly logistic: {
    readonly rows: number;
    readonly columns: number;
    readonly batches: readonly number[];
  };
  readonly vae: {
    readonly pictures: number;
    readonly pixels: number;
    readonly hidden: number;
    readonly code: number;
    readonly batches: readonly number[];
  };
  readonly chains: number;
  readonly regression: { readonly rows: number; readonly columns: number };
  readonly mixture: {
    readonly rows: number;
    readonly columns: number;
    readonly components: number;
    readonly iterations: number;
  };
  readonly process: {
    readonly rows: number;
    readonly components: number;
    readonly sweeps: number;
  };
  /** Each measurement lasts at least so many seconds. */
  readonly seconds: number;
}

export const sizes: Readonly<Record<"tiny" | "middle" | "full", Sizes>> = {
  tiny: {
    elements: 1 << 14,
    product: 64,
    logistic: { rows: 500, columns: 5, batches: [50] },
    vae: { pictures: 60, pixels: 36, hidden: 8, code: 2, batches: [10] },
    chains: 16,
    regression: { rows: 50, columns: 4 },
    mixture: { rows: 400, columns: 3, components: 4, iterations: 5 },
    process: { rows: 300, components: 8, sweeps: 5 },
    seconds: 0.01,
  },
  middle: {
    elements: 1 << 22,
    product: 1024,
    logistic: { rows: 200_000, columns: 50, batches: [1000, 20_000] },
    vae: { pictures: 5000, pixels: 784, hidden: 128, code: 20, batches: [128, 1024] },
    chains: 1024,
    regression: { rows: 1000, columns: 100 },
    mixture: { rows: 100_000, columns: 16, components: 64, iterations: 12 },
    process: { rows: 100_000, components: 64, sweeps: 12 },
    seconds: 0.3,
  },
  // 10⁷ × 100 numbers are 4 GB in f32 (8 GB here and in f64).
  full: {
    elements: 1 << 26,
    product: 4096,
    logistic: { rows: 10_000_000, columns: 100, batches: [1000, 100_000] },
    vae: { pictures: 60_000, pixels: 784, hidden: 400, code: 20, batches: [128, 1024, 8192] },
    chains: 4096,
    regression: { rows: 1000, columns: 100 },
    mixture: { rows: 1_000_000, columns: 16, components: 64, iterations: 12 },
    process: { rows: 1_000_000, components: 64, sweeps: 30 },
    seconds: 1,
  },
};
