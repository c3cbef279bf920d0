/** Draws θ ~ P₀ by the model's own statements. */
import { internalError } from "../../../base/internal.js";
import type { RandomStream } from "../../../math/rng/random.js";
import type { DataSet, DataValue } from "../../../model/data.js";
import type { Model } from "../../../model/ir.js";
import { stmtExprs, walkExpr, walkStmts } from "../../../model/traverse.js";
import type { Conditioned } from "../../../passes/condition/index.js";
import { withComponents } from "../../../passes/condition/unbounded.js";
import { compileSimulator } from "../../../passes/interpret/simulate.js";
import type { Column } from "./layout.js";
import type { DpStructure } from "./structure.js";

export interface BaseSampler {
  /** Writes one draw into row `row`. */
  readonly draw: (rng: RandomStream, thetas: Float64Array, row: number) => void;
  /** The sites outside the plate that P₀ depends on. */
  readonly parents: readonly string[];
}

/** @param global the value of a site outside the plate, whole, as it is now */
export function baseSampler(
  conditioned: Conditioned,
  structure: DpStructure,
  layout: readonly Column[],
  global: (name: string) => DataValue,
): BaseSampler {
  const { components, globals } = structure;
  const needed = dependencies(
    conditioned.model,
    components.map((c) => c.name),
  );
  const parents = globals.map((s) => s.name).filter((name) => needed.has(name));
  const model = restricted(conditioned.model, needed, parents);
  const simulator = compileSimulator({ ...withComponents(conditioned, 1), model });
  return {
    parents,
    draw: (rng, thetas, row) => {
      const given: DataSet = new Map(parents.map((name) => [name, global(name)]));
      // One Philox key a draw: its sites have streams of their own below it.
      const key = [rng.int(2 ** 32), rng.int(2 ** 32)] as const;
      const drawn = simulator.draw(given, { key, offset: 0 }, 0);
      const values = components.map(
        ({ name }) => drawn.get(name)?.data ?? internalError(`no draw of ${name}`),
      );
      const start = row * layout.length;
      for (let j = 0; j < layout.length; j++) {
        const { component, element } = layout[j];
        thetas[start + j] = values[component][element];
      }
    },
  };
}

/** The variables that `names` depend on, themselves included. */
function dependencies(model: Model, names: readonly string[]): Set<string> {
  const reads = new Map<string, Set<string>>();
  walkStmts(model.body, (s) => {
    if (s.kind === "for" || s.kind === "if" || s.kind === "observe" || s.kind === "factor") return;
    const own = reads.get(s.name) ?? new Set<string>();
    for (const e of stmtExprs(s)) {
      walkExpr(e, (x) => {
        if (x.kind === "var") own.add(x.name);
      });
    }
    reads.set(s.name, own);
  });
  const found = new Set<string>();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    open.push(...(reads.get(name) ?? []));
  }
  return found;
}

/** The model of the needed variables alone; `given` keep their place but lose their statements. */
function restricted(model: Model, needed: ReadonlySet<string>, given: readonly string[]): Model {
  const { unbounded: _, ...rest } = model;
  const drop = new Set(given);
  const keep = (body: Model["body"]): Model["body"] =>
    body.flatMap((s): Model["body"] => {
      switch (s.kind) {
        case "observe":
        case "factor":
          return [];
        case "for": {
          const inner = keep(s.body);
          return inner.length === 0 ? [] : [{ ...s, body: inner }];
        }
        case "if":
          // biome-ignore lint/suspicious/noThenProperty: the branch's name in the IR, never awaited
          return [{ ...s, then: keep(s.then), else: keep(s.else) }];
        default:
          return needed.has(s.name) && !drop.has(s.name) ? [s] : [];
      }
    });
  const variables = model.variables.filter((v) => needed.has(v.name));
  return { ...rest, variables, body: keep(model.body) };
}
