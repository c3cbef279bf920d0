/** Diagnostic texts of the methods that exploit structure: what they refuse, and how they fail. */
import { error, warning } from "./entry.js";

export const structureMessages = {
  gibbs_start: error((p: { tries: number }) => ({
    message: `gibbs found no state of positive density in ${p.tries} tries to begin from`,
    help: "check that the data lie in the supports of their distributions, and that no condition rules every state out",
  })),
  site_improper: error((p: { method: string; name: string }) => ({
    message: `given the data and the other sites, \`${p.name}\` has no proper distribution, and ${p.method} needs one`,
    help: `give \`${p.name}\` a proper prior, or data that inform every element of it`,
  })),
  states_impossible: error((p: { method: string }) => ({
    message: `no value of a discrete site is possible given the state that ${p.method} has reached`,
    help: "look for data outside the supports of their distributions, or contradicting factors",
  })),
  site_start: error((p: { method: string; name: string }) => ({
    message: `the log density of \`${p.name}\` is finite nowhere that ${p.method} tried to begin`,
    help: "check that the data lie in the supports of their distributions and that no scale can be 0",
  })),
  bound_not_finite: error((p: { method: string; value: number }) => ({
    message: `what ${p.method} maximises is ${p.value}`,
    help: "check that the data lie in the supports of their distributions, and that no number overflows",
  })),
  likelihood_unbounded: error((p: { name: string; element: string }) => ({
    message: `the likelihood grows without bound as ${p.element} goes to the edge of its support`,
    help: `give \`${p.name}\` a prior that keeps it away (\`${p.name} ~ …\`) and name it in \`maximise\`, or tie it over the components`,
  })),
  site_refused: error((p: { method: string; name: string; reason: string }) => ({
    message: `\`${p.name}\` keeps ${p.method} from fitting this model: ${p.reason}`,
    help: "change what the reason names, or take another method",
  })),
  not_converged: warning((p: { method: string; iterations: number; change: number }) => ({
    message: `${p.method} had not converged after ${p.iterations} iterations (last relative change ${p.change.toPrecision(2)})`,
    help: "raise maxIterations, or tolerance if this is close enough",
  })),
  local_optima: warning((p: { distinct: number; restarts: number }) => ({
    message: `${p.restarts} restarts ended in ${p.distinct} different optima; the best one is given`,
    help: "there may be better ones: raise restarts, and compare with gibbs or nuts where it matters",
  })),
  information_singular: warning((_: Record<string, never>) => ({
    message: "the observed information is singular at the estimate, so standard errors are missing",
    help: "the likelihood has a ridge there: fix what the data do not identify, such as rotations",
  })),
  variable_not_kept: error((p: { name: string; kept: readonly string[] }) => ({
    message: `the fit has no draws of \`${p.name}\`: of a plate without an end the number of components differs from draw to draw`,
    help: `read ${p.kept.map((k) => `\`${k}\``).join(", ")}, or cut the plate (\`for k in 0..K\`) and give \`K\``,
  })),
  unknown_element: error((p: { element: string; name: string; dims: string }) => ({
    message: `there is no latent element \`${p.element}\``,
    help:
      p.dims === ""
        ? `\`${p.name}\` is a single number`
        : `\`${p.name}\` has ${p.dims} elements, counted from 0; observed ones are not reported`,
  })),
  no_continuous_sites: error((p: { method: string }) => ({
    message: `every latent site of the model is discrete, and ${p.method} moves through continuous ones`,
    help: "discrete sites alone need no sampler",
  })),
  not_exact: error((p: { name: string; reason: string }) => ({
    message: `the posterior of \`${p.name}\` has no closed form: ${p.reason}`,
    help: "exact needs a model that is conjugate as a whole",
  })),
  process_not_conjugate: error((p: { algorithm: string }) => ({
    message: `\`${p.algorithm}\` needs components whose parameters can be integrated out, and these cannot`,
    help: 'give them a conjugate prior (a Normal mean and Gamma precision whose scales share the precision, say), or use gibbs with `algorithm` "auxiliary" or "blocked"',
  })),
  truncation_matters: warning((p: { components: number; error: number }) => ({
    message: `cutting the process to ${p.components} components changes the data's density by up to ${p.error.toPrecision(2)} of itself`,
    help: "raise `truncation`, or use an algorithm that has no largest number of clusters",
  })),
  pairs_too_many: error((p: { items: number; limit: number }) => ({
    message: `the pairs of ${p.items} items are too many for a matrix`,
    help: `up to ${p.limit} items have one; thin the data, or read the draws of the labels`,
  })),
  density_needs_draws: error((_: Record<never, never>) => ({
    message: "this fit has no draws of components to predict from",
    help: "fit the model with gibbs",
  })),
} as const;
