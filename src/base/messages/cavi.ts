/** Diagnostic texts of mean-field inference by coordinate ascent. */
import { error, warning } from "./entry.js";

const list = (names: readonly string[]): string => names.map((n) => `\`${n}\``).join(", ");

export const caviMessages = {
  joint_unsupported: error((p: { names: readonly string[]; reason: string }) => ({
    message: `cavi has no joint factor of ${list(p.names)}: ${p.reason}`,
    help: "joint factors are made of sites on the real line whose log joint is quadratic in all of them, or of a discrete site and one continuous site of which each element reads one element of it",
  })),
  improper_factor: error((p: { method: string; name: string }) => ({
    message: `${p.method} met no proper distribution of \`${p.name}\` given the others: its density does not fall off`,
    help: `give \`${p.name}\` a proper prior, or data that inform it`,
  })),
  factor_start: error((p: { method: string; name: string }) => ({
    message: `${p.method} found no starting point where the log density of \`${p.name}\` is finite`,
    help: "check that the data lie in the supports of their distributions",
  })),
  bound_not_finite: error((p: { method: string; bound: string }) => ({
    message: `the evidence bound of ${p.method} is ${p.bound}`,
    help: "check that the data lie in the supports of their distributions, and rescale data that are very large or very small",
  })),
  local_optima: warning(
    (p: { method: string; restarts: number; distinct: number; best: number; worst: number }) => ({
      message: `the ${p.restarts} restarts of ${p.method} ended in ${p.distinct} different optima (bounds from ${p.worst.toFixed(2)} to ${p.best.toFixed(2)}); the best is reported, and there may be better ones`,
      help: "raise `restarts`; components that are merely permuted have the same bound and do not count here",
    }),
  ),
  ascent_not_converged: warning((p: { method: string; iterations: number; change: number }) => ({
    message: `${p.method} stopped after ${p.iterations} iterations, before the bound settled (its last relative change was ${p.change.toExponential(1)})`,
    help: "raise `maxIterations`, or `tolerance` if the result is close enough",
  })),
} as const;
