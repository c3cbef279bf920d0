/** Diagnostic texts of the options of Gibbs sampling. */
import { error } from "./entry.js";

export const gibbsMessages = {
  gibbs_site_option: error((p: { name: string; reason: string }) => ({
    message: `\`${p.name}\` cannot be drawn as the options of gibbs ask: ${p.reason}`,
    help: "leave the choice to gibbs, or use slice or nuts, which suit any continuous site",
  })),
} as const;
