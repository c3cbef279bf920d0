/**
 * A site whose values are given, and what depends on it drawn again: the cost as a function of one
 * site, which control variates and measure-valued derivatives ask for. Where the elements of the
 * site depend on each other or must be moved one at a time, there is a copy for each element e, in
 * which the elements before e are those of the draw, e itself is given, and those after it follow.
 */
import type { Expr, Stmt, Type, Variable } from "../../model/ir.js";
import { at, call, constant, elementwise as f } from "./expressions.js";
import { type Reading, softType } from "./relax.js";

type Site = Extract<Stmt, { kind: "site" }>;

/** Copies of a program, one for each element of a site. */
export interface Spread {
  /** Axes of the site's array (copies of the draw left out) whose elements are told apart. */
  readonly axes: readonly number[];
  /** How many copies of the draw there are axes of. */
  readonly copies: number;
  /** Lengths of all axes of the site's array, copies of the draw left out. */
  readonly dims: readonly number[];
  /** Trailing axes of the array that belong to one draw. */
  readonly eventRank: number;
  /** Whether later elements depend on earlier ones. */
  readonly isChain: boolean;
}

export interface Redraw {
  readonly site: string;
  /** Sites to be drawn again; `site` itself among them where there is a spread. */
  readonly again: ReadonlySet<string>;
  /** How bits and labels among them are drawn: `relaxed` and `mean` can be differentiated. */
  readonly mode: "relaxed" | "mean" | "hard";
  readonly spread?: Spread;
  /** Whether a site's value lies between the corners; undefined where it is not drawn. */
  readonly isSoft: (site: string) => boolean | undefined;
}

export const givenName = (site: string): string => `${site}~given`;
export const heldName = (site: string): string => `${site}~held`;

/** The elements of the site in each copy, and the variables that they read. */
export function replaced(
  s: Site,
  variable: Variable | undefined,
  reading: Reading | undefined,
  spread: Spread,
  drawn: () => Expr,
): { readonly value: Expr; readonly variables: readonly Variable[] } {
  const { span } = s;
  const own = variable?.type.dims.slice(1) ?? [];
  const plain: Type = { scalar: variable?.type.scalar ?? "real", dims: own };
  const type = reading?.soft ? softType(plain, reading) : plain;
  const made = (name: string): Variable => {
    const support = { kind: "real" as const };
    return { name, role: "site", span, type, eventRank: 0, support, random: true };
  };
  const variables = [made(givenName(s.name)), made(heldName(s.name))];
  const [given, held] = variables.map((v): Expr => {
    const whole: Expr = { kind: "var", name: v.name, role: "site", span, type };
    return at(whole, s.indices.slice(1));
  });
  const element = s.indices[0];
  const batch = spread.dims.length - spread.eventRank;
  const int: Type = { scalar: "int", dims: [] };
  const add = (a: Expr, b: Expr): Expr => call("add", [a, b], int);
  const times = (a: Expr, n: number): Expr => call("mul", [a, constant(n, span, "int")], int);
  // The element's number among those that are told apart, in row-major order.
  let position: Expr = constant(0, span, "int");
  for (const axis of spread.axes) {
    if (axis >= batch) continue;
    const index = s.indices[1 + spread.copies + axis];
    position = add(times(position, spread.dims[axis]), index);
  }
  const inner = spread.axes.filter((a) => a >= batch);
  if (inner.length === 0) {
    const bool: Type = { scalar: "bool", dims: [] };
    const choose = (condition: Expr, yes: Expr, no: Expr): Expr => ({
      kind: "if",
      condition,
      // biome-ignore lint/suspicious/noThenProperty: the branch's name in the IR, never awaited
      then: yes,
      else: no,
      span,
      type: yes.type,
    });
    const later = spread.isChain ? drawn() : held;
    const isEarlier = call("lt", [position, element], bool);
    const isOwn = call("eq", [position, element], bool);
    return { value: choose(isOwn, given, choose(isEarlier, held, later)), variables };
  }
  // Elements of one draw: a mask of the event's own shape.
  const sizes = spread.dims.slice(batch);
  const count = sizes.reduce((n, d) => n * d, 1);
  const dims = given.type.dims.slice(0, sizes.length);
  const wide: Type = { scalar: "int", dims: [dims[0]] };
  const flat = call("range", [constant(0, span, "int"), constant(count, span, "int")], wide);
  const whole = { scalar: "int" as const, dims };
  const shaped =
    sizes.length === 1
      ? flat
      : call("reshape", [flat, ...sizes.map((n) => constant(n, span, "int"))], whole);
  const numbers = call("add", [shaped, times(position, count)], whole);
  const isOwn = call("eq", [numbers, element], { scalar: "bool", dims });
  const chosen = (): Expr => {
    if (type.scalar === "bool") {
      const not = call("not", [isOwn], isOwn.type);
      const yes = call("and", [isOwn, given], isOwn.type);
      return call("or", [yes, call("and", [not, held], isOwn.type)], isOwn.type);
    }
    const mask = f("mul", isOwn, 1);
    const value = f("add", held, f("mul", mask, f("sub", given, held)));
    return type.scalar === "int" ? call("round", [value], { scalar: "int", dims }) : value;
  };
  return { value: chosen(), variables };
}
