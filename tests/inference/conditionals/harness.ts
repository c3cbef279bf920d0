/** Conditionals of small models, for tests. */
import { compileKernels, createMemory, instantiate } from "../../../src/device/cpu/compile.js";
import { type Conditionals, findConditionals } from "../../../src/inference/conditionals/find.js";
import {
  directKernels,
  inputBuffer,
  type MakeInstance,
} from "../../../src/inference/conditionals/kernels.js";
import {
  isCompiled,
  naturalReader,
  referenceValues,
} from "../../../src/inference/conditionals/natural.js";
import { loadState, type RandomState } from "../../../src/inference/conditionals/states.js";
import { expFamilies, type Params } from "../../../src/inference/expfam/index.js";
import { stream } from "../../../src/math/rng/index.js";
import { condition } from "../../../src/passes/condition/index.js";
import { dataSet, modelOf } from "../logjoint/models.js";

export type Data = Parameters<typeof dataSet>[0];

export const make: MakeInstance = (module) => {
  const program = compileKernels(module);
  return instantiate(program, createMemory(program, 1), 0);
};

export function conditionalsOf(text: string, data: Data): Conditionals {
  return findConditionals(condition(modelOf(text), dataSet(data)), make, "test");
}

/** Site by site: `Gamma elementwise`, or `other`. */
export function shapesOf(found: Conditionals): Record<string, string> {
  return Object.fromEntries(
    found.findings.map((f) => [
      f.name,
      f.kind === "other" ? "other" : `${f.rule.family} ${f.structure}`,
    ]),
  );
}

export interface AtState {
  readonly found: Conditionals;
  readonly state: RandomState;
  /** A site's values in its own coordinates. */
  readonly own: (name: string) => Float64Array;
  /** The usual parameters of each unit's conditional. */
  readonly params: (name: string) => Params[];
  /** The log joint with some sites' own values replaced. */
  readonly lp: (changed: Readonly<Record<string, Float64Array>>) => number;
}

/** Everything at one random state of the latent sites. */
export function atState(text: string, data: Data, seed = 1): AtState {
  const found = conditionalsOf(text, data);
  const { joint, findings } = found;
  const state = found.draw(stream(seed, 0, 0, 0));
  const conjugate = findings.flatMap((f) => (f.kind === "conjugate" ? [f] : []));
  const instance = make(
    directKernels(joint, {
      lp: true,
      statistics: conjugate
        .filter(isCompiled)
        .map((f) => ({ site: f.site, at: referenceValues(f) })),
      gradients: conjugate.filter((f) => !isCompiled(f)).map((f) => f.site),
    }),
  );
  const index = (name: string) => joint.sites.findIndex((s) => s.latent.name === name);
  const reset = () => loadState(joint, instance, state);
  return {
    found,
    state,
    own: (name) => state.own[index(name)],
    params: (name) => {
      reset();
      const f = conjugate.find((c) => c.name === name);
      if (f === undefined) throw new Error(`${name} is not conjugate`);
      const read = naturalReader(joint, f, instance);
      const family = expFamilies[f.rule.family];
      return f.classes.flatMap((units) => {
        return read(units).map((eta) => family.fromNatural(eta, { size: f.size }));
      });
    },
    lp: (changed) => {
      reset();
      for (const [name, values] of Object.entries(changed)) {
        instance.f64(inputBuffer(index(name))).set(values);
      }
      return instance.call("lp");
    },
  };
}
