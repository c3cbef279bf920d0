/** Inputs of generated models: their types, and values for them. */
import type { Choices } from "./choices.js";
import type { Dim, Domain, Value } from "./scope.js";

/** Data as JSON has them. */
export type Plain = number | boolean | null | readonly Plain[];

/** Declares an input: its text; its values join `inputs`, and what it can be read as `values`. */
export function input(
  c: Choices,
  name: string,
  sizes: readonly Dim[],
  inputs: Record<string, Plain>,
  values: Value[],
): string {
  const dims = c.weighted<Dim[]>([
    [2, []],
    [4, [c.pick(sizes)]],
    [1.5, [c.pick(sizes), c.pick(sizes)]],
  ]);
  const top = c.pick(sizes);
  const domain = c.weighted<Domain>([
    [4, "real"],
    [2, "positive"],
    [1, "unit"],
    [1, "count"],
    [1, "bool"],
    [top.size > 0 ? 3 : 0, "index"],
  ]);
  const one = (): Plain => {
    switch (domain) {
      case "positive":
        return Math.abs(c.number()) + 0.1;
      case "unit":
        return Math.round(1000 * (0.05 + 0.45 * Math.abs(c.number()))) / 1000;
      case "count":
        return c.between(domain === "count" ? 1 : 0, 4);
      case "bool":
        return c.chance(0.5);
      case "index":
        return c.below(top.size);
      default:
        return c.number();
    }
  };
  const fill = (k: number): Plain =>
    k === dims.length ? one() : Array.from({ length: dims[k].size }, () => fill(k + 1));
  inputs[name] = fill(0);
  values.push({ text: name, domain, dims, known: true, ...(domain === "index" && { top }) });
  const type = domain === "index" ? `category(${top.text})` : domain;
  return `${name}: ${type}${dims.length > 0 ? `[${dims.map((d) => d.text).join(", ")}]` : ""}`;
}
