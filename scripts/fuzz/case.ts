/** A generated model as a program with data: what the checks run on. */
import { samplePrior } from "../../src/inference/prior/index.js";
import type { DataValue } from "../../src/model/data.js";
import type { Conditioned } from "../../src/passes/condition/index.js";
import { checkSource, conditionRaw } from "../../src/run/compile.js";
import { readObject } from "../../src/run/data/values.js";
import { compile, type Program } from "../../src/run/load.js";
import type { Choices } from "./choices.js";
import type { Plain } from "./inputs.js";
import type { Generated } from "./models.js";

/** A text with its data: all that is needed to see a failure again. */
export interface Case {
  readonly text: string;
  readonly data: Readonly<Record<string, Plain>>;
  /** Seed of what the checks draw. */
  readonly seed: number;
}

/** What a check found: never a diagnostic. */
export class Finding extends Error {
  override readonly name = "Finding";
}

export function programOf(c: Case): Program {
  return compile(c.text);
}

export function conditionedOf(c: Case, program = programOf(c)): Conditioned {
  return conditionRaw(program.model, readObject(c.data));
}

/** Nested lists of an array's values. */
export function nested({ dims, data, missing }: DataValue, isBool = false): Plain {
  let next = 0;
  const build = (axis: number): Plain => {
    if (axis === dims.length) {
      const at = next++;
      if (missing?.[at] === 1) return null;
      return isBool ? data[at] !== 0 : data[at];
    }
    return Array.from({ length: dims[axis] }, () => build(axis + 1));
  };
  return build(0);
}

/**
 * The inputs with values for observed sites, drawn from the prior; of real ones some elements are
 * missing by chance. A site with a draw that is not finite stays latent.
 * @throws TildeError where the prior cannot be drawn from.
 */
export function caseOf(made: Generated, c: Choices, seed: number): Case {
  const data: Record<string, Plain> = { ...made.inputs };
  if (made.observed.length === 0) return { text: made.text, data, seed };
  const { model } = compile(made.text);
  const simulated = samplePrior(model, readObject(data).values, {
    draws: 1,
    seed,
    only: made.observed,
  });
  for (const name of made.observed) {
    const draw = simulated.draws.get(name);
    if (draw === undefined || !draw.data.every(Number.isFinite)) continue;
    const variable = model.variables.find((v) => v.name === name);
    const isReal = variable?.type.scalar === "real" && variable.eventRank === 0;
    const gaps = isReal && draw.dims.length > 0 && c.chance(0.15);
    const missing = Uint8Array.from(draw.data, () => (gaps && c.chance(0.3) ? 1 : 0));
    data[name] = nested({ ...draw, missing });
  }
  return { text: made.text, data, seed };
}

/** Whether the text is one that the checker takes. */
export function isAccepted(text: string): boolean {
  return checkSource({ path: "case.ppl", text }).diagnostics.every((d) => d.severity !== "error");
}
