/** Diagnostic texts of mean-field inference by coordinate ascent. */
import { error } from "./entry.js";

const list = (names: readonly string[]): string => names.map((n) => `\`${n}\``).join(", ");

export const caviMessages = {
  joint_unsupported: error((p: { names: readonly string[]; reason: string }) => ({
    message: `cavi has no joint factor of ${list(p.names)}: ${p.reason}`,
    help: "joint factors are made of sites on the real line whose log joint is quadratic in all of them, or of a discrete site and one continuous site of which each element reads one element of it",
  })),
} as const;
