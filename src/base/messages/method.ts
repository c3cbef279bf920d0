/** Diagnostic texts of the method stage: what a fit's diagnostics say, and what to try. */
import { error, warning } from "./entry.js";

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;
const percent = (part: number, whole: number): string => {
  const value = (100 * part) / whole;
  return `${value < 1 ? value.toPrecision(1) : value.toFixed(value < 10 ? 1 : 0)} %`;
};
/** `a, b, c and 4 more` of names that are already in order of severity. */
function named(names: readonly string[]): string {
  const shown = names.slice(0, 3).map((n) => `\`${n}\``);
  const rest = names.length - shown.length;
  if (rest > 0) return `${shown.join(", ")} and ${rest} more`;
  const last = shown.pop();
  return shown.length > 0 ? `${shown.join(", ")} and ${last}` : `${last}`;
}

export const methodMessages = {
  initialisation_failed: error(
    (p: { tries: number; reason: string; sites: readonly string[] }) => ({
      message:
        `no starting point found in ${count(p.tries, "try").replace("trys", "tries")}: ${p.reason}` +
        (p.sites.length > 0 ? ` (${named(p.sites)})` : ""),
      help: "check that the data lie in the supports of their distributions and that no scale can be 0, or narrow the start with `initRadius`",
    }),
  ),
  no_step_size: error((p: { search: "unbounded" | "vanishing" }) =>
    p.search === "unbounded"
      ? {
          message:
            "the posterior seems to be improper: steps of any size are accepted, so the density does not fall off in some direction",
          help: "give every parameter a proper prior, or data that inform it",
        }
      : {
          message:
            "no step size is small enough: the density jumps, or is not finite, next to where the chain is",
          help: "replace comparisons and rounding of parameters by smooth functions, and keep scales away from 0",
        },
  ),
  divergences: warning((p: { divergent: number; draws: number; targetAccept: number }) => ({
    message: `${count(p.divergent, "draw")} of ${p.draws} (${percent(p.divergent, p.draws)}) ended in a divergence, so parts of the posterior may not have been reached`,
    help:
      p.targetAccept < 0.95
        ? `raise targetAccept (now ${p.targetAccept}) to 0.95 or 0.99; if some stay, write hierarchical effects non-centred (x = mu + tau * z) or give scales tighter priors`
        : "write hierarchical effects non-centred (x = mu + tau * z), or give scales priors that keep them from 0",
  })),
  tree_depth: warning((p: { hits: number; draws: number; maxTreeDepth: number }) => ({
    message: `${count(p.hits, "draw")} of ${p.draws} (${percent(p.hits, p.draws)}) stopped at the largest tree depth, ${p.maxTreeDepth}: sampling is slower than it need be`,
    help: `try metric: "dense" if parameters are strongly correlated, put predictors and parameters on scales near 1, or raise maxTreeDepth above ${p.maxTreeDepth}`,
  })),
  low_ebfmi: warning((p: { chains: readonly number[]; worst: number; threshold: number }) => ({
    message: `E-BFMI is below ${p.threshold} in ${p.chains.length === 1 ? "chain" : "chains"} ${p.chains.join(", ")} (lowest ${p.worst.toFixed(2)}): the chain moves slowly through the posterior's energy, so its tails may be missed`,
    help: "run a longer warmup, or reparameterise heavy-tailed and hierarchical parts (non-centred, x = mu + tau * z)",
  })),
  high_rhat: warning((p: { variables: readonly string[]; worst: number; threshold: number }) => ({
    message: `R-hat is above ${p.threshold} for ${named(p.variables)} (highest ${p.worst.toFixed(3)}): the chains do not agree yet`,
    help: "run more warmup and draws; if it stays, chains sit in different modes or a parameter is not identified by the data: tighten its prior or order the components",
  })),
  low_ess_bulk: warning(
    (p: { variables: readonly string[]; worst: number; threshold: number }) => ({
      message: `bulk effective sample size is below ${p.threshold} for ${named(p.variables)} (lowest ${Math.floor(p.worst)}): means and medians are imprecise`,
      help: "run more draws, or reparameterise so that neighbouring draws depend less on each other",
    }),
  ),
  low_ess_tail: warning(
    (p: { variables: readonly string[]; worst: number; threshold: number }) => ({
      message: `tail effective sample size is below ${p.threshold} for ${named(p.variables)} (lowest ${Math.floor(p.worst)}): standard deviations and 5 % and 95 % quantiles are imprecise`,
      help: "run more draws; heavy tails may also need a reparameterisation",
    }),
  ),
  no_diagnostics: warning((p: { draws: number }) => ({
    message: `only ${count(p.draws, "draw")} in each chain: too few to judge convergence`,
    help: "run at least 100 draws in each of 4 chains",
  })),
  high_pareto_k: warning((p: { k: number }) => ({
    message: `the Laplace approximation fits the posterior poorly (Pareto k = ${p.k.toFixed(2)}, good below 0.7)`,
    help: "use nuts, whose draws need no approximation",
  })),
  optimiser_stopped: warning((p: { reason: string; gradient: number }) => ({
    message: `the search for the mode stopped early: ${p.reason} (largest gradient element ${p.gradient.toPrecision(2)})`,
    help: "try more starts or iterations; a scale that can shrink to 0 makes a density without a mode: give it a prior that keeps it away from 0",
  })),
  gradient_unsupported: error((p: { what: string; why: string }) => ({
    message: `the gradient of ${p.what} is not available: ${p.why}`,
    help: "use a method that needs no gradient, or make this argument a constant of the model",
  })),
  ascent_diverged: error(
    (p: { method: string; step: number; bound: number; param?: string; saved?: string }) => ({
      message: `${p.method} diverged at step ${p.step}: ${
        p.param === undefined
          ? `the objective became ${p.bound}`
          : `the gradient of \`${p.param}\` is not finite (the objective is ${p.bound})`
      }, at every smaller step size too`,
      help: `give scales a prior that keeps them away from 0 and infinity, or use nuts; \`--option lr=0.01\` begins with smaller steps, and \`init\` where the guide was before that step: ${
        p.saved ?? "the error's `params`"
      }`,
    }),
  ),
  ode_error: warning(
    (p: { element: string; error: number; measure: number; isSpread: boolean }) => ({
      message: Number.isFinite(p.error)
        ? `the steps of \`ode\` are too coarse: \`${p.element}\` is off by up to ${p.error.toPrecision(2)}, ${(100 * p.measure).toPrecision(2)} % of its ${p.isSpread ? "posterior's standard deviation" : "value"}`
        : `the steps of \`ode\` are too coarse: at some draws \`${p.element}\` or its error is not finite`,
      help: "take more of them, as in `ode(f, z0, t0, ts, steps: 40)`; 10 are taken where the text has none",
    }),
  ),
  guide_misfit: warning((p: { guide: string; k: number }) => ({
    message: `the guide ${p.guide} does not cover the posterior (Pareto k = ${p.k.toFixed(2)}, good below 0.7)`,
    help:
      p.guide === "flow"
        ? "means may be usable, spreads are not: give the flow more `layers`, or use nuts"
        : "means may be usable, spreads are not: take a richer guide (`full_rank`, `flow`) or nuts",
  })),
  guide_misfit_local: warning(
    (p: { guide: string; size: string; above: number; elements: number; largest: number }) => ({
      message: `the guide ${p.guide} does not cover the posteriors of ${p.above} of ${p.elements} elements of ${p.size} (Pareto k up to ${p.largest.toFixed(2)}, good below 0.7)`,
      help: "their means may be usable, spreads are not: train longer, or give the guide a larger network or a flow",
    }),
  ),
  guide_needed: error((p: { objective: string; model: string }) => ({
    message: `the objective \`${p.objective}\` needs a guide for the model \`${p.model}\``,
    help: "write `guide NAME(…) for MODEL` in the file of the model, or use vi, which makes its own",
  })),
  guide_of_other: error((p: { name: string; other: string; model: string }) => ({
    message: `\`${p.name}\` is a guide for the model \`${p.other}\`, not for \`${p.model}\``,
    help: `choose the model with --model ${p.other}, or a guide for \`${p.model}\``,
  })),
  program_unknown: error((p: { name: string; known: readonly string[] }) => ({
    message: `there is no model or guide \`${p.name}\``,
    help: `known are ${p.known.map((n) => `\`${n}\``).join(", ")}`,
  })),
  batch_size_unknown: error((p: { size: string; known: readonly string[] }) => ({
    message: `the model has no size \`${p.size}\` to take minibatches of`,
    help:
      p.known.length === 0
        ? undefined
        : `its sizes are ${p.known.map((n) => `\`${n}\``).join(", ")}`,
  })),
  batch_too_large: error((p: { size: string; rows: number; all: number }) => ({
    message: `a minibatch of ${p.rows} is larger than \`${p.size}\`, which is ${p.all}`,
    help: `take at most ${p.all}, or leave \`batch\` out to see all of \`${p.size}\` in every step`,
  })),
  nothing_to_learn: error((p: { objective: string }) => ({
    message: `no program of the objective \`${p.objective}\` has a \`param\`: there is nothing to learn`,
    help: "declare what is learned as `param`, in the model, its guide or its modules",
  })),
  learning_diverged: error(
    (p: { step: number; value: number; objective: string; param?: string; saved?: string }) => ({
      message: `the run diverged at step ${p.step}: ${
        p.param === undefined
          ? Number.isFinite(p.value)
            ? `the gradient of \`${p.objective}\`, which is ${p.value}, has grown too long`
            : `the objective \`${p.objective}\` became ${p.value}`
          : `the gradient of \`${p.param}\` is not finite (\`${p.objective}\` is ${p.value})`
      }`,
      help: `take smaller steps (\`lr\`), clip gradients (\`clip\`) or begin elsewhere (\`init\`); ${
        p.saved === undefined
          ? "the params before that step are in the error's `params`"
          : `the params before that step are in ${p.saved}`
      }`,
    }),
  ),
  init_unknown: error((p: { name: string; near: readonly string[]; known: readonly string[] }) => ({
    message: `there is no param \`${p.name}\` to begin from`,
    help:
      p.near.length > 0
        ? `did you mean \`${p.near[0]}\`?`
        : `the params are ${p.known
            .slice(0, 8)
            .map((n) => `\`${n}\``)
            .join(", ")}`,
  })),
  init_shape: error((p: { name: string; found: string; wanted: string }) => ({
    message: `the value to begin from of \`${p.name}\` is ${p.found}, not ${p.wanted}`,
    help: "params are saved and loaded as nested lists of their own shape",
  })),
  bound_still_rising: warning((p: { steps: number }) => ({
    message: `the bound was still rising after ${count(p.steps, "step")}`,
    help: "allow more steps",
  })),
  labels_switched: warning(
    (p: { names: readonly string[]; differ: boolean; switched: number }) => ({
      message: `components of ${p.names.join(", ")} can change places${
        p.differ ? ", and chains were in different labellings" : ""
      } (${(100 * p.switched).toFixed(0)} % of the draws left the labelling of their chain): all draws were relabelled to one`,
      help: "means and R-hat are those of one labelling; an `ordered` parameter or a prior that differs between components makes labels part of the model",
    }),
  ),
} as const;
