/** Tensor graphs as programs of the device. */
import { internalError } from "../../base/internal.js";
import type { Graph } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import type { GraphProgram, NamedValues } from "../contract.js";
import { constantKeeper } from "./constants.js";
import type { RealType } from "./graph/maths.js";
import { Scope } from "./graph/scope.js";
import { Block } from "./lower/block.js";
import type { TensorFlowAddon } from "./package.js";
import { Sender } from "./sender.js";
import { encodeReals, type Feed, Session, wireOf } from "./session.js";
import { realInput, realOutput, Variable } from "./variables.js";

/** Inputs of more elements stay on the device until they are given again. */
const MANY = 1 << 14;

/** An input: fed at each call, or a variable. */
type Input =
  | { readonly kind: "fed"; feed: Feed }
  | { readonly kind: "kept"; readonly variable: Variable };

/** Compiles a graph with static shapes. Errors are diagnostics (`tensorflow_…`). */
export function compileGraph(addon: TensorFlowAddon, graph: Graph, real: RealType): GraphProgram {
  const scope = Scope.graph({ lowersLoops: addon.isUsingGpuDevice() });
  const sender = new Sender(scope);
  const block = new Block(scope, real, constantKeeper(scope, real, sender));
  const inputs = new Map<string, { readonly length: number; readonly input: Input }>();
  graph.inputs.forEach((n, k) => {
    const length = sizeOf(n.shape);
    const name = `input_${k}`;
    if (length < MANY) {
      block.set(n, realInput(scope, name, real, n.shape));
      const data = encodeReals(new Float64Array(length), real);
      const feed = { name, shape: n.shape, type: wireOf(real), data };
      inputs.set(n.name, { length, input: { kind: "fed", feed } });
    } else {
      const variable = new Variable(scope, name, real, n.shape);
      sender.add(variable);
      block.set(n, variable.read());
      inputs.set(n.name, { length, input: { kind: "kept", variable } });
    }
  });
  block.compute(graph.outputs.map((o) => o.node));
  graph.outputs.forEach(({ node }, k) => {
    realOutput(scope, `output_${k}`, block.full(node));
  });
  sender.finish();
  const session = new Session(addon, scope.toGraph());
  const names = graph.outputs.map((_, k) => `output_${k}`);
  const give = (values: NamedValues): void => {
    for (const [name, data] of Object.entries(values)) {
      const { input, length } = inputs.get(name) ?? internalError(`no input ${name}`);
      if (data.length !== length) internalError(`input ${name} needs ${length} values`);
      if (input.kind === "kept") sender.give(input.variable, data);
      else input.feed = { ...input.feed, data: encodeReals(data, real) };
    }
  };
  return {
    run: async (values) => {
      give(values);
      sender.flush(session);
      const feeds = [...inputs.values()].flatMap(({ input }) =>
        input.kind === "fed" ? [input.feed] : [],
      );
      const results = session.run("computing a graph", feeds, names);
      return Object.fromEntries(graph.outputs.map((o, k) => [o.name, results[k]]));
    },
    close: () => session.close(),
  };
}
