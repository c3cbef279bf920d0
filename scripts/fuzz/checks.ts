/** All checks by name, and what came of one: fine, refused with a diagnostic, or failed. */
import { TildeError } from "../../src/base/diagnostic.js";
import { withoutMemory } from "../../src/run/failure.js";
import { type Case, caseOf } from "./case.js";
import { checkDensity } from "./check-density.js";
import { checkDevice } from "./check-device.js";
import { checkFinite } from "./check-finite.js";
import { checkText, checkWrongText, mutated, wrongData } from "./check-language.js";
import { checkExplain, checkMethod, shortMethods } from "./check-methods.js";
import { checkPosterior } from "./check-posterior.js";
import { checkStorage } from "./check-storage.js";
import { Choices } from "./choices.js";
import { type Flavour, generate } from "./models.js";

type Check = (c: Case) => unknown;

const single: Readonly<Record<string, Check>> = {
  text: checkText,
  "wrong text": (c) => checkWrongText(c.text),
  density: checkDensity,
  "wrong data": checkDensity,
  posterior: async (c) => {
    const compared = await checkPosterior(c);
    return compared.length === 0 ? "refused: not for quadrature" : undefined;
  },
  finite: async (c) => ((await checkFinite(c)) ? undefined : "refused: not listed"),
  explain: checkExplain,
};

/** `density`, `device webgpu`, `method nuts`, `method map on tensorflow`, `storage gibbs`. */
export function checkOf(name: string): Check {
  const [kind, method, on, device] = name.split(" ");
  if (single[name] !== undefined) return single[name];
  if (kind === "device") return (c) => checkDevice(c, method as "tensorflow" | "webgpu");
  if (kind === "storage") return (c) => checkStorage(c, method);
  return async (c) => {
    const chosen = on === "on" ? (device as "tensorflow" | "webgpu") : undefined;
    const { refused } = await checkMethod(c, method, chosen);
    return refused === undefined ? undefined : `refused: ${refused}`;
  };
}

export interface Outcome {
  readonly check: string;
  readonly kind: "fine" | "refused" | "failed";
  /** Of a refusal its code; of a failure what all of its kind have in common. */
  readonly sign: string;
  readonly detail: string;
  readonly seconds: number;
}

/** Runs one check; never throws. */
export async function attempt(check: string, c: Case): Promise<Outcome> {
  const start = performance.now();
  const ended = (kind: Outcome["kind"], sign = "", detail = ""): Outcome => ({
    check,
    kind,
    sign,
    detail,
    seconds: (performance.now() - start) / 1000,
  });
  try {
    const said = await checkOf(check)(c);
    if (typeof said === "string") return ended("refused", said.replace("refused: ", ""));
    return ended("fine");
  } catch (thrown) {
    const error = withoutMemory(thrown);
    if (error instanceof TildeError)
      return ended("refused", error.diagnostics[0].code, error.message);
    if (!(error instanceof Error)) return ended("failed", "no error", String(error));
    const sign = `${error.name}: ${error.message.replace(/[-+]?\d[\d.e+-]*|NaN|-?Infinity|`[^`]*`|\w+\d+(\[[^\]]*\])?/g, "#").slice(0, 90)}`;
    const detail = error.name === "Finding" ? error.message : (error.stack ?? error.message);
    return ended("failed", sign, detail);
  }
}

const flavours: readonly Flavour[] = [
  {},
  { continuous: true },
  { small: true, continuous: true },
  { finite: true },
  {},
  { small: true },
  { empty: true },
];

export interface Plan {
  /** Runs of methods: many times as long as the rest. */
  readonly methods: boolean;
  readonly devices: readonly string[];
}

/** What is checked of the model of that number of a seed, one after another. */
export async function* casesOf(
  seed: number,
  number: number,
  plan: Plan,
): AsyncGenerator<{ readonly check: string; readonly c: Case }> {
  const flavour = flavours[number % flavours.length];
  const made = generate(seed, number, flavour);
  const c = new Choices(seed + 1_000_003, number);
  const bare: Case = { text: made.text, data: made.inputs, seed: number };
  yield { check: "text", c: bare };
  for (let k = 0; k < 3; k++)
    yield { check: "wrong text", c: { ...bare, text: mutated(made.text, c) } };
  let whole: Case;
  try {
    whole = caseOf(made, c, number);
  } catch (error) {
    if (error instanceof TildeError) return;
    throw error;
  }
  yield { check: "density", c: whole };
  for (let k = 0; k < 2; k++) yield { check: "wrong data", c: wrongData(whole, c) };
  if (flavour.finite === true) yield { check: "finite", c: whole };
  if (!plan.methods) return;
  yield { check: "explain", c: whole };
  if (flavour.small === true) yield { check: "posterior", c: whole };
  const names = Object.keys(shortMethods);
  // Some of them: other models show more than other methods.
  const some = new Set(Array.from({ length: 5 }, () => c.pick(names)));
  for (const name of some) yield { check: `method ${name}`, c: whole };
  for (const device of plan.devices) {
    yield { check: `device ${device}`, c: whole };
    yield { check: `method ${c.pick(names)} on ${device}`, c: whole };
  }
  yield { check: `storage ${c.pick(names)}`, c: whole };
  yield { check: `method ${c.pick(names)}`, c: wrongData(whole, c) };
}
