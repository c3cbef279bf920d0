/** What a plan says in words. */
import { factorOf } from "../ascent/factors/index.js";
import type { CaviPlan } from "./plan.js";

/** One line for each factor, for `explain`. */
export function describeCavi(plan: CaviPlan): string[] {
  const lines: string[] = [];
  const { discrete, joint, sum } = plan.ascent;
  for (const z of discrete) {
    const index = discrete.indexOf(z);
    const kinds = new Set(
      (sum?.groups ?? []).flatMap((g) => {
        const elements =
          g.kind === "loose" ? g.elements : g.kind === "chains" ? g.paths.flat() : g.members;
        const own = elements.some((e) => ownerOf(plan, e) === index);
        return own ? [groupWords[g.kind]] : [];
      }),
    );
    lines.push(`${z.name}: exact, ${[...kinds].join("; ")}`);
  }
  joint.sites.forEach((s, k) => {
    const { name } = s.direct.latent;
    if (s.kind === "point") {
      const why = plan.points.get(name) ?? "";
      lines.push(`${name}: normal in unconstrained coordinates, by gradients (${why})`);
      return;
    }
    const factor = factorOf(s);
    const given =
      plan.conditional?.site === k ? `, given ${discrete[plan.conditional.discrete].name}` : "";
    lines.push(`${name}: ${factor?.family}, ${factor?.structure}${given}`);
  });
  return lines;
}

const groupWords = {
  aligned: "element by element or in small groups",
  chains: "forward and backward along chains",
  loose: "by variable elimination",
} as const;

function ownerOf(plan: CaviPlan, element: number): number {
  const { discrete } = plan.ascent;
  let owner = 0;
  discrete.forEach((s, k) => {
    if (element >= s.offset) owner = k;
  });
  return owner;
}
