/**
 * The families that a component's parameters may be jointly conjugate in: each site by itself, or a
 * mean together with the precision, variance or covariance of the same size.
 */
import type { Support } from "../../../model/ir.js";
import { expFamilies, type FamilyName } from "../../expfam/index.js";
import type { ProductPart } from "../product.js";
import type { Column } from "./layout.js";
import type { ComponentSite } from "./structure.js";

/** A family of θ, part after part, and which scalars its numbers are. */
export interface Arrangement {
  readonly parts: readonly ProductPart[];
  readonly layout: readonly Column[];
}

/** Arrangements are tried in turn; more than so many are not. */
const MOST = 64;

type Form = "real" | "positive" | "unit" | "simplex" | "cov";

function formOf(s: Support): Form | undefined {
  if (s.kind === "nonnegative") return "positive";
  const known: readonly string[] = ["real", "positive", "unit", "simplex", "cov"];
  return known.includes(s.kind) ? (s.kind as Form) : undefined;
}

interface Own {
  readonly component: number;
  readonly form: Form;
  readonly site: ComponentSite;
}

/** The coarsest dependence last; empty where a support has no family. */
export function arrangements(components: readonly ComponentSite[]): Arrangement[] {
  const sites: Own[] = [];
  for (const [component, site] of components.entries()) {
    const form = formOf(site.support);
    if (form === undefined) return [];
    sites.push({ component, form, site });
  }
  const found: Arrangement[] = [];
  const extend = (rest: readonly Own[], before: Arrangement): void => {
    if (found.length >= MOST) return;
    const [first, ...others] = rest;
    if (first === undefined) {
      found.push(before);
      return;
    }
    const join = (a: Arrangement | undefined, left: readonly Own[]): void => {
      if (a === undefined) return;
      extend(left, {
        parts: [...before.parts, ...a.parts],
        layout: [...before.layout, ...a.layout],
      });
    };
    for (const a of alone(first)) join(a, others);
    others.forEach((other, k) => {
      const left = others.filter((_, i) => i !== k);
      for (const a of pairs(first, other)) join(a, left);
      for (const a of pairs(other, first)) join(a, left);
    });
  };
  extend(sites, { parts: [], layout: [] });
  return found;
}

/** One part for every `unit` scalars of the sites, which give `unit` columns in turn. */
function repeated(
  family: FamilyName,
  count: number,
  size: number,
  naturals: number,
  columns: (unit: number) => readonly Column[],
): Arrangement {
  const layout: Column[] = [];
  const parts: ProductPart[] = [];
  for (let u = 0; u < count; u++) {
    const own = columns(u);
    layout.push(...own);
    parts.push({
      family: expFamilies[family],
      setting: { size },
      naturals,
      numbers: own.length,
    });
  }
  return { parts, layout };
}

const run = (component: number, from: number, count: number): Column[] =>
  Array.from({ length: count }, (_, k) => ({ component, element: from + k }));

function alone({ component, form, site }: Own): Arrangement[] {
  const scalars = (family: FamilyName) =>
    repeated(family, site.length, 1, 2, (u) => run(component, u, 1));
  const last = site.dims[site.dims.length - 1] ?? 1;
  switch (form) {
    case "real": {
      const out = [scalars("Normal")];
      if (site.eventRank === 1 && last > 1) {
        out.push(
          repeated("MvNormal", site.length / last, last, last + last * last, (u) =>
            run(component, u * last, last),
          ),
        );
      }
      return out;
    }
    case "positive":
      return [scalars("Gamma"), scalars("InverseGamma")];
    case "unit":
      return [scalars("Beta")];
    case "simplex":
      return [
        repeated("Dirichlet", site.length / last, last, last, (u) =>
          run(component, u * last, last),
        ),
      ];
    case "cov":
      return (["InverseWishart", "Wishart"] as const).map((family) =>
        repeated(family, site.length / (last * last), last, 1 + last * last, (u) =>
          run(component, u * last * last, last * last),
        ),
      );
  }
}

/** A mean and its scale. */
function pairs(mean: Own, scale: Own): Arrangement[] {
  if (mean.form !== "real") return [];
  const { length } = mean.site;
  const both = (u: number): Column[] => [
    { component: mean.component, element: u },
    { component: scale.component, element: u },
  ];
  if (scale.form === "positive" && scale.site.length === length) {
    return [
      repeated("NormalGamma", length, 2, 4, both),
      // A variance is a covariance of size 1.
      repeated("NormalInverseWishart", length, 1, 4, both),
    ];
  }
  const D = scale.site.dims[scale.site.dims.length - 1];
  if (scale.form !== "cov" || length % D !== 0 || scale.site.length !== length * D) return [];
  return [
    repeated("NormalInverseWishart", length / D, D, 2 + D + D * D, (u) => [
      ...run(mean.component, u * D, D),
      ...run(scale.component, u * D * D, D * D),
    ]),
  ];
}
