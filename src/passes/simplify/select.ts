/**
 * Work on choices: f(c ? a : b) is c ? f(a) : f(b). Where a and b are one number each for all
 * elements, f is then done twice instead of once an element: `y[i] ~ Poisson(if c[i] then a else b)`
 * has two logarithms however many y there are. Conditions that are data alone: each side is chosen
 * by some element, so that f is not taken of a number that nobody asked it of, which a gradient would
 * turn into NaN.
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node, NodeOf } from "../../tensor/ops.js";

type Scalar = NodeOf<"broadcast">;
type Choice = NodeOf<"ternary"> & { readonly y: Scalar; readonly z: Scalar };

/** One number for all elements. */
const isScalar = (n: Node): n is Scalar => n.op === "broadcast" && n.axes.length === 0;

/** A choice of each element, by data, between two numbers that are the same for all. */
function isChoice(n: Node): n is Choice {
  if (n.op !== "ternary" || n.fn !== "select" || n.x.op !== "const") return false;
  return isScalar(n.y) && isScalar(n.z) && n.x.data.includes(0) && n.x.data.includes(1);
}

/** `make` of what each side of a choice has, where the operands are choices of one condition. */
export function beforeSelect(
  g: GraphBuilder,
  operands: readonly Node[],
  make: (operands: readonly Node[]) => Node,
): Node | undefined {
  const choice = operands.find(isChoice);
  if (choice === undefined) return undefined;
  const [first, second]: Node[][] = [[], []];
  for (const n of operands) {
    if (isScalar(n)) {
      first.push(n.x);
      second.push(n.x);
    } else if (isChoice(n) && n.x === choice.x) {
      first.push(n.y.x);
      second.push(n.z.x);
    } else return undefined;
  }
  const { shape } = choice;
  const side = (of: readonly Node[]): Node => g.broadcast(make(of), shape, []);
  return g.ternary("select", choice.x, side(first), side(second));
}
