/** Diagnostic texts of the methods that exploit structure: what they refuse, and how they fail. */
import { error } from "./entry.js";

export const structureMessages = {
  gibbs_start: error((p: { tries: number }) => ({
    message: `gibbs found no state of positive density in ${p.tries} tries to begin from`,
    help: "check that the data lie in the supports of their distributions, and that no condition rules every state out",
  })),
  gibbs_improper: error((p: { name: string }) => ({
    message: `given the data and the other sites, \`${p.name}\` has no proper distribution to draw from`,
    help: `give \`${p.name}\` a proper prior, or data that inform every element of it`,
  })),
  gibbs_impossible: error((_: Record<string, never>) => ({
    message: "no value of a discrete site is possible given the state that gibbs has reached",
    help: "look for data outside the supports of their distributions, or contradicting factors",
  })),
  no_continuous_sites: error((p: { method: string }) => ({
    message: `every latent site of the model is discrete, and ${p.method} moves through continuous ones`,
    help: "discrete sites alone need no sampler",
  })),
  not_exact: error((p: { name: string; reason: string }) => ({
    message: `the posterior of \`${p.name}\` has no closed form: ${p.reason}`,
    help: "exact needs a model that is conjugate as a whole",
  })),
} as const;
