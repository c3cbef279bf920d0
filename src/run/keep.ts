/** What a session's chains leave behind, cut to the draws that all of them have. */
import { totalmem } from "node:os";
import { fail, type TildeError } from "../base/diagnostic.js";
import { internalError } from "../base/internal.js";
import type { ChainEnd, StreamFailure } from "./chains.js";
import type { ChainDraws, DrawStatistic, Timing } from "./results/fit.js";
import type { SessionChain } from "./session.js";
import type { Streamed } from "./storage/begin.js";
import { openChain } from "./storage/outcome.js";

type Failed = Extract<ChainEnd, { kind: "failed" }>;
type Ended = Exclude<ChainEnd, Failed>;

/** Draws are kept in memory: a number that cannot fit is told before the run and not in it. */
export function checkRoom(
  { chains, draws }: { readonly chains: number; readonly draws: number },
  width: number,
): void {
  const bytes = 8 * chains * draws * width;
  const available = totalmem();
  if (bytes > available) {
    fail("draws_too_large", undefined, { chains, draws, width, bytes, available });
  }
}

export interface Kept {
  readonly chains: readonly ChainDraws[];
  readonly timing: Omit<Timing, "compileSeconds">;
  readonly interrupted: boolean;
}

/**
 * The chains' draws; after an interruption as many of each as the shortest has, and chains that
 * had not begun to draw are left out.
 * @param names of the statistics, in their order
 * @param failed what to throw where a chain failed
 * @param thin transitions to a draw
 * @param streamed where the draws are in files
 */
export function keepDraws(
  chains: readonly SessionChain[],
  width: number,
  names: readonly DrawStatistic[],
  failed: (failure: Exclude<Failed["failure"], StreamFailure>) => TildeError,
  thin: number,
  streamed?: Streamed,
): Kept {
  const begun = chains.map((chain, file) => {
    if (chain.end.kind === "failed") {
      const { failure } = chain.end;
      if (failure.kind !== "unwritable") throw failed(failure);
      const { path, reason } = failure;
      return fail("file_unwritable", undefined, { path, reason });
    }
    return { ...chain, end: chain.end, file };
  });
  const withDraws = begun.filter((c) => c.end.draws > 0);
  const draws = Math.min(...withDraws.map((c) => c.end.draws));
  const longest = (of: (e: Ended) => number): number => Math.max(...begun.map((c) => of(c.end)));
  return {
    chains: withDraws.map(({ end, file, constrained, statistics }) => {
      const { stepSize, dimension, inverseMetric } = end;
      const adapted = { stepSize, dimension, inverseMetric, thin };
      if (streamed !== undefined) {
        const { directory, record } = streamed;
        return openChain(directory, record, file, draws, adapted);
      }
      if (constrained === undefined || statistics === undefined) {
        return internalError("a chain has left no draws");
      }
      const columns: Partial<Record<DrawStatistic, Float64Array>> = {};
      names.forEach((name, k) => {
        const column = new Float64Array(draws);
        for (let t = 0; t < draws; t++) column[t] = statistics[t * names.length + k];
        columns[name] = column;
      });
      const values = constrained.subarray(0, draws * width);
      return { values, draws, statistics: columns, ...adapted };
    }),
    timing: {
      warmupSeconds: longest((e) => e.seconds.warmup),
      sampleSeconds: longest((e) => e.seconds.sampling),
      gradients: begun.reduce((n, c) => n + c.end.gradients, 0),
    },
    interrupted: begun.some((c) => c.end.kind === "stopped"),
  };
}
