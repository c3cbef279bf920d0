/**
 * Trains the model by five estimators of the gradient through its bits and draws the curves of the
 * evidence lower bound: `node examples/discrete_vae/train.mjs [steps] [folder]`. The picture needs the
 * packages `vega` and `vega-lite`.
 *
 * Relaxed bits make another objective, so every curve is that of hard bits: the bound at the params
 * learned so far, estimated by fresh draws.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { infer, load, svi } from "tilde-ppl";

const estimators = {
  "reinforce, nvil": "reinforce(baseline: nvil)",
  "reinforce, muprop": "reinforce(baseline: muprop)",
  rebar: "rebar",
  "gumbel(0.5)": "gumbel(0.5)",
  "straight_through(0.5)": "straight_through(0.5)",
};
const points = 10;

const file = (path) => new URL(path, import.meta.url).pathname;
const pictures = JSON.parse(readFileSync(file("../vae/data.json"), "utf8"));

/**
 * Curves of all estimators: steps, and the bound of all pictures with its standard error.
 * @param steps of each, @param sizes of the code and the hidden layers
 */
export async function train(steps, sizes = { d: 16, H: 64 }, batch = 100) {
  const program = await load(file("model.ppl"));
  const data = { ...pictures, ...sizes };
  const curves = [];
  for (const [name, strategy] of Object.entries(estimators)) {
    let params;
    let seconds = 0;
    const curve = [];
    for (let k = 0; k <= points; k++) {
      if (k > 0) {
        const start = performance.now();
        const method = svi({
          steps: Math.ceil(steps / points),
          batch: { N: batch },
          lr: 0.003,
          schedule: "constant",
          estimators: { z: strategy },
          draws: 1,
          ...(params && { init: params }),
        });
        params = (await infer(program, { data, method, seed: k })).params;
        seconds += (performance.now() - start) / 1000;
      }
      // A step that goes nowhere, and the mean of 200 estimates after it.
      const method = svi({
        steps: 1,
        lr: 1e-12,
        schedule: "constant",
        estimators: { z: "reinforce" },
        draws: 200,
        ...(params && { init: params }),
      });
      const { final, mcse } = (await infer(program, { data, method })).fit.figures.elbo;
      curve.push({ step: (k * steps) / points, elbo: final, mcse });
    }
    curves.push({ name, strategy, seconds, curve });
  }
  return curves;
}

/** The curves in one picture, as SVG. */
export async function picture(curves) {
  const [vega, lite] = await Promise.all([import("vega"), import("vega-lite")]);
  const values = curves.flatMap(({ name, curve }) =>
    // The first params say nothing of an estimator, and would set the scale.
    curve.slice(1).map((p) => ({ ...p, estimator: name })),
  );
  const { spec } = lite.compile({
    data: { values },
    width: 560,
    height: 360,
    background: "white",
    mark: { type: "line", point: true },
    encoding: {
      x: { field: "step", type: "quantitative", title: "steps" },
      y: {
        field: "elbo",
        type: "quantitative",
        title: "evidence lower bound, nats",
        scale: { zero: false },
      },
      color: {
        field: "estimator",
        type: "nominal",
        title: null,
        sort: curves.map((c) => c.name),
      },
    },
  });
  return await new vega.View(vega.parse(spec), { renderer: "none" }).toSVG();
}

if (process.argv[1] === file(import.meta.url)) {
  const [, , steps = "12000", folder = "results"] = process.argv;
  const curves = await train(Number(steps));
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/curves.json`, `${JSON.stringify(curves, null, 1)}\n`);
  writeFileSync(`${folder}/curves.svg`, await picture(curves));
  for (const { name, seconds, curve } of curves) {
    const { elbo, mcse } = curve[curve.length - 1];
    const figures = `${elbo.toFixed(0)} ± ${mcse.toFixed(0)}`;
    console.log(`${name.padEnd(22)} ${figures.padEnd(14)} ${seconds.toFixed(0)} s`);
  }
}
