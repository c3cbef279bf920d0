/** Diagnostic texts of summing out discrete sites. */
import { error } from "./entry.js";

export const discreteMessages = {
  discrete_infinite: error((p: { name: string; support: string; method: string }) => ({
    message: `\`${p.name}\` is discrete with values in \`${p.support}\`, too many for ${p.method} to sum over`,
    help: `give \`${p.name}\` in the data, or finitely many values: \`Truncated(D, lower: 0, upper: 100)\``,
  })),
  discrete_sum_unsupported: error((p: { name: string; reason: string }) => ({
    message: `\`${p.name}\` cannot be summed out: ${p.reason}`,
    help: `give \`${p.name}\` in the data`,
  })),
  discrete_sum_too_large: error((p: { name: string; cost: string; limit: string }) => ({
    message: `summing out \`${p.name}\` would take tables of ${p.cost} numbers, above the limit of ${p.limit}`,
    help: "fewer values or fewer neighbours would do",
  })),
  enumerate_continuous: error((p: { name: string }) => ({
    message: `\`${p.name}\` is continuous, and enumerate needs all latent sites discrete`,
    help: "give the site in the data",
  })),
  not_summed_out: error((p: { name: string; known: readonly string[] }) => ({
    message: `\`${p.name}\` is no discrete site that was summed out`,
    help:
      p.known.length === 0
        ? "this fit has none"
        : `this fit has ${p.known.map((n) => `\`${n}\``).join(", ")}`,
  })),
  no_assignment: error((p: { method: string }) => ({
    message: `${p.method} found no assignment of the latent sites that the data allow: the evidence is 0`,
    help: "look for data outside the supports of their distributions, or contradicting factors",
  })),
} as const;
