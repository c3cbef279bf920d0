/** Evaluation of densities for the tests: arguments as plain numbers and nested arrays. */
import type { Distribution, HostArgs, NodeArgs } from "../../src/distributions/contract.js";
import { distributions } from "../../src/distributions/index.js";
import { GraphBuilder } from "../../src/tensor/builder.js";
import { evaluate } from "../../src/tensor/evaluate.js";
import type { Node, Shape } from "../../src/tensor/ops.js";

/** A scalar, a vector or a matrix. */
export type Value = number | readonly number[] | readonly (readonly number[])[];
export type Args = Readonly<Record<string, Value>>;

export function distribution(name: string): Distribution {
  const found = distributions[name];
  if (found === undefined) throw new Error(`no distribution ${name}`);
  return found;
}

export function flatten(v: Value): number[] {
  if (typeof v === "number") return [v];
  return v.flatMap((e) => (typeof e === "number" ? [e] : [...e]));
}

export function shapeOf(v: Value): number[] {
  if (typeof v === "number") return [];
  const first = v[0];
  return typeof first === "number" ? [v.length] : [v.length, first.length];
}

/** Parameters whose values are whole numbers, or sizes that no density reads. */
export function isDiscrete(dist: Distribution, name: string): boolean {
  const spec = dist.parameterisations.flat().find((p) => p.name === name);
  return spec?.domain === "count" || spec?.domain === "size";
}

/** Whether the argument is a size of the event, which copies of a batch share. */
export function isSize(dist: Distribution, name: string): boolean {
  return dist.parameterisations.flat().find((p) => p.name === name)?.domain === "size";
}

/** One constant from several values of one shape, stacked along a new first axis. */
function stacked(g: GraphBuilder, values: readonly Value[]): Node {
  return g.constant(Float64Array.from(values.flatMap(flatten)), [
    values.length,
    ...shapeOf(values[0]),
  ]);
}

function nodes(g: GraphBuilder, args: Args): Record<string, Node> {
  return Object.fromEntries(
    Object.entries(args).map(([name, v]) => [
      name,
      g.constant(Float64Array.from(flatten(v)), shapeOf(v)),
    ]),
  );
}

export function hostArgs(args: Args): HostArgs {
  return Object.fromEntries(
    Object.entries(args).map(([name, v]) => [
      name,
      typeof v === "number" ? v : Float64Array.from(flatten(v)),
    ]),
  );
}

/** Points as an int or real node of shape `batch ++ event`. */
function points(g: GraphBuilder, dist: Distribution, xs: readonly Value[], batch: Shape): Node {
  const dtype = dist.event.scalar === "real" ? "real" : "int";
  const shape = [...batch, ...shapeOf(xs[0])];
  return g.constant(Float64Array.from(xs.flatMap(flatten)), shape, dtype);
}

/** The log density at one point. */
export function logProb(dist: Distribution, args: Args, x: Value): number {
  const g = new GraphBuilder();
  const node = dist.logProb(g, points(g, dist, [x], []), nodes(g, args), []);
  expectShape(node, []);
  return evaluate([node], {})[0][0];
}

/** Log densities of a batch; `perPoint` names the arguments that differ from point to point. */
export function logProbs(
  dist: Distribution,
  args: readonly Args[],
  xs: readonly Value[],
  perPoint: readonly string[],
  batch: Shape = [xs.length],
): number[] {
  const g = new GraphBuilder();
  const given: Record<string, Node> = nodes(g, args[0]);
  for (const name of perPoint) {
    const values = args.map((a) => a[name]);
    given[name] = g.reshape(stacked(g, values), [...batch, ...shapeOf(values[0])]);
  }
  const node = dist.logProb(g, points(g, dist, xs, batch), given, batch);
  expectShape(node, batch);
  return [...evaluate([node], {})[0]];
}

/** The mean, with the arguments of `perPoint` batched. */
export function means(
  dist: Distribution,
  args: readonly Args[],
  perPoint: readonly string[],
): number[] | undefined {
  if (dist.mean === undefined) return undefined;
  const g = new GraphBuilder();
  const given: Record<string, Node> = nodes(g, args[0]);
  for (const name of perPoint)
    given[name] = stacked(
      g,
      args.map((a) => a[name]),
    );
  const node = dist.mean(g, given, [args.length]);
  if (node.shape[0] !== args.length || node.shape.length !== 1 + dist.event.rank) {
    throw new Error(`mean of ${dist.name} has shape [${node.shape}]`);
  }
  return [...evaluate([node], {})[0]];
}

function expectShape(node: Node, batch: Shape): void {
  if (node.shape.join() !== batch.join()) throw new Error(`shape [${node.shape}] for [${batch}]`);
}

type Tail = "cdf" | "logCdf" | "logCcdf";

/** A tail function at many points. */
export function tail(
  dist: Distribution,
  which: Tail,
  args: Args,
  xs: ArrayLike<number>,
): Float64Array {
  const f = dist[which];
  if (f === undefined) throw new Error(`${dist.name} has no ${which}`);
  const g = new GraphBuilder();
  const x = g.constant(Float64Array.from(xs), [xs.length]);
  const node = f(g, x, nodes(g, args));
  expectShape(node, [xs.length]);
  return evaluate([node], {})[0];
}

/** A graph with every real argument and the point as inputs. */
export function symbolic(
  dist: Distribution,
  args: Args,
  x: Value,
): { readonly g: GraphBuilder; readonly inputs: Record<string, Node>; readonly output: Node } {
  const g = new GraphBuilder();
  const inputs: Record<string, Node> = {};
  const given: Record<string, Node> = {};
  for (const [name, v] of Object.entries(args)) {
    if (isDiscrete(dist, name)) given[name] = g.constant(Float64Array.from(flatten(v)), shapeOf(v));
    else given[name] = inputs[name] = g.input(`arg ${name}`, shapeOf(v));
  }
  let point: Node;
  if (dist.event.scalar === "real") point = inputs.x = g.input("arg x", shapeOf(x));
  else point = points(g, dist, [x], []);
  return { g, inputs, output: dist.logProb(g, point, given as NodeArgs, []) };
}
