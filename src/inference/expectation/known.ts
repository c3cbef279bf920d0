/**
 * Values of nodes whose inputs are all given, over no more axes than they depend on: a table that a
 * broadcast repeats for every observation is computed once.
 */
import { internalError } from "../../base/internal.js";
import { evaluateWith, valueOfNode } from "../../tensor/evaluate.js";
import type { Node } from "../../tensor/ops.js";
import { binaryAt, ternaryAt, unaryAt } from "../../tensor/scalar-fns.js";
import type { Algebra } from "./algebra.js";
import { constant } from "./arrays.js";
import { numbersOver } from "./coefficients.js";
import { moved } from "./moves.js";
import type { Value } from "./terms.js";

export class Known {
  private readonly values = new Map<Node, Value>();

  /**
   * @param given the inputs' values
   * @param outer answers for nodes that are known elsewhere
   */
  constructor(
    private readonly a: Algebra,
    private readonly given: ReadonlyMap<Node, Float64Array> = new Map(),
    private readonly outer: (n: Node) => Value | undefined = () => undefined,
  ) {}

  value(n: Node): Value {
    const known = this.values.get(n);
    if (known !== undefined) return known;
    const made = this.outer(n) ?? this.compute(n);
    this.values.set(n, made);
    return made;
  }

  numbers(n: Node): Float64Array {
    return this.a.numbers(this.value(n)) ?? internalError("a constant that is not known");
  }

  private compute(n: Node): Value {
    const { a } = this;
    switch (n.op) {
      case "const":
        return a.ofNumbers(n.data, n.shape);
      case "input":
        return a.ofNumbers(this.given.get(n) ?? internalError("an input without value"), n.shape);
      case "unary":
        return a.map(this.value(n.x), unaryAt[n.fn], (x) => x);
      case "binary": {
        const f = binaryAt[n.fn];
        return this.elementwise([n.x, n.y], ([x, y], i) => f(x[i], y[i]));
      }
      case "ternary": {
        const f = ternaryAt[n.fn];
        return this.elementwise([n.x, n.y, n.z], ([x, y, z], i) => f(x[i], y[i], z[i]));
      }
      case "reduce":
        if (n.fn === "sum") return a.sum(this.value(n.x), n.axes);
        break;
      case "scan":
      case "output":
        return a.ofNumbers(evaluateWith([n], this.given)[0], n.shape);
      default: {
        const made = moved(
          a,
          n,
          (x) => this.value(x),
          (x) => this.numbers(x),
        );
        if (made !== undefined) return made;
      }
    }
    return a.ofNumbers(
      valueOfNode(n, (x) => this.numbers(x)),
      n.shape,
    );
  }

  private elementwise(
    operands: readonly Node[],
    f: (v: readonly Float64Array[], i: number) => number,
  ): Value {
    const { a } = this;
    let like = this.value(operands[0]);
    for (const x of operands) [like] = a.align(like, this.value(x));
    const parts = operands.map((x) => a.collapse(a.align(like, this.value(x))[1]));
    const axes = like.dims.flat().filter((x) => parts.some((p) => p.axes.includes(x)));
    const data = parts.map((p) => numbersOver(p, axes));
    const out = new Float64Array(data[0].length);
    for (let i = 0; i < out.length; i++) out[i] = f(data, i);
    return a.ofCoefficient(constant(axes, out), like.dims);
  }
}
