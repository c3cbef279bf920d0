/** Strategies for gradients through random sites, given at a run beside those of the text. */
import { fail } from "../../base/diagnostic.js";
import { nearestNames } from "../../base/nearest.js";
import type { Span } from "../../base/span.js";
import type { ProgramBinding } from "../../inference/objective/index.js";
import type { Model, Stmt } from "../../model/ir.js";
import {
  baselines,
  drawnFrom,
  isValidStrategy,
  type Strategy,
  strategyKinds,
  validStrategies,
} from "../../model/strategy.js";
import { walkStmts } from "../../model/traverse.js";

/** By site, a strategy as the text would have it: `reinforce(baseline: nvil)`. */
export type Estimators = Readonly<Record<string, string>>;

/**
 * The programs with `using` at the sites that are named, whatever stands there.
 * @throws TildeError where there is no such site, or its distribution has no such strategy.
 */
export function withEstimators(
  programs: ReadonlyMap<string, ProgramBinding>,
  drawn: ReadonlySet<string>,
  estimators: Estimators,
): Map<string, ProgramBinding> {
  const known = new Set<string>();
  for (const [name, { model }] of programs) {
    if (!drawn.has(name)) continue;
    walkStmts(model.body, (s) => {
      if (s.kind === "site") known.add(s.name);
    });
  }
  for (const site of Object.keys(estimators)) {
    if (known.has(site)) continue;
    fail("estimator_site", undefined, { site, known: [...known], near: nearestNames(site, known) });
  }
  // A program that stands for two arguments stays one.
  const made = new Map<Model, Model>();
  const changed = (model: Model): Model => {
    const before = made.get(model);
    if (before !== undefined) return before;
    const after = { ...model, body: changedBody(model.body, estimators) };
    made.set(model, after);
    return after;
  };
  return new Map(
    [...programs].map(([name, b]) => [
      name,
      drawn.has(name) ? { ...b, model: changed(b.model) } : b,
    ]),
  );
}

function changedBody(body: readonly Stmt[], estimators: Estimators): Stmt[] {
  return body.map((s): Stmt => {
    if (s.kind === "for") return { ...s, body: changedBody(s.body, estimators) };
    if (s.kind === "if") {
      const [yes, no] = [s.then, s.else].map((b) => changedBody(b, estimators));
      // biome-ignore lint/suspicious/noThenProperty: the branch's name in the IR, never awaited
      return { ...s, then: yes, else: no };
    }
    if (s.kind !== "site" || estimators[s.name] === undefined) return s;
    const using = readStrategy(estimators[s.name], s.span);
    if (!isValidStrategy(using.kind, s.dist)) {
      fail("strategy_invalid", s.dist.span, {
        strategy: using.kind,
        dist: drawnFrom(s.dist) ?? s.dist.kind,
        valid: validStrategies(s.dist),
      });
    }
    return { ...s, using };
  });
}

/** `name`, `name(argument)` or `name(key: argument)`, at the span of its site. */
function readStrategy(text: string, span: Span): Strategy {
  const refuse = (): never => {
    const wanted = "a strategy, such as `reinforce(baseline: nvil)`, `gumbel(0.5)` or `rebar`";
    return fail("bad_option", undefined, { option: "`estimators`", value: text, wanted });
  };
  const parts = /^\s*(\w+)\s*(?:\(\s*(?:(\w+)\s*:\s*)?([\w.]+)\s*\))?\s*$/.exec(text);
  if (parts === null) return refuse();
  const [, name, key, argument] = parts;
  const kind = strategyKinds.find((k) => k === name) ?? refuse();
  if (kind === "reinforce") {
    const baseline = argument === undefined ? "none" : baselines.find((b) => b === argument);
    if (baseline === undefined || (key !== undefined && key !== "baseline")) return refuse();
    return { kind, span, baseline };
  }
  if (kind === "gumbel" || kind === "straight_through") {
    const value = Number(argument ?? (kind === "gumbel" ? Number.NaN : 1));
    if (!(value > 0) || (key !== undefined && key !== "temperature")) return refuse();
    const type = { scalar: "real" as const, dims: [] };
    return { kind, span, temperature: { kind: "const", value, span, type } };
  }
  return argument === undefined ? { kind, span } : refuse();
}
