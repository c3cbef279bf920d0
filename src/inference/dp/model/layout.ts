/** How the numbers of one θ lie: each is a scalar of a site of the plate. */
import type { ComponentSite } from "./structure.js";

export interface Column {
  /** Index among the structure's components. */
  readonly component: number;
  /** Which scalar of one component of that site. */
  readonly element: number;
}

/** Site after site. */
export function plainLayout(components: readonly ComponentSite[]): Column[] {
  return components.flatMap((c, component) =>
    Array.from({ length: c.length }, (_, element) => ({ component, element })),
  );
}
