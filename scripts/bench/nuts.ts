/**
 * Effective draws per second of NUTS on non-centred eight schools, one core: the smallest bulk
 * effective sample size over (mu, tau, theta) divided by the time of the sampling phase. The
 * log density is hand-written in kernel IR; run by
 *
 *   npx tsc -p tsconfig.json --noEmit false --outDir /tmp/bench && node /tmp/bench/scripts/bench/nuts.js
 */
import { eightSchoolsModel } from "../../tests/inference/nuts/models.js";
import { sample, single } from "../../tests/inference/nuts/setup.js";
import { withNuts } from "../../src/inference/nuts/assemble.js";

const draws = Number(process.argv[2] ?? 20_000);
const repeats = Number(process.argv[3] ?? 7);
const model = eightSchoolsModel();

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1];
}

const rates: number[] = [];
for (let seed = 0; seed < repeats; seed++) {
  const fit = sample(model, { chains: 1, warmup: 1000, draws }, seed);
  const seconds = fit.chains[0].seconds.sampling;
  const ess = Math.min(...Array.from({ length: 10 }, (_, i) => fit.summary(i).essBulk));
  const leapfrogs = fit.chains[0].gradients.sampling / draws;
  rates.push(ess / seconds);
  console.log(
    [
      `seed ${seed}`,
      `${((seconds / draws) * 1e6).toFixed(2)} us a draw`,
      `${leapfrogs.toFixed(2)} gradients a draw`,
      `step ${fit.chains[0].stepSize.toFixed(3)}`,
      `${(ess / draws).toFixed(3)} effective a draw`,
      `${Math.round(ess / seconds)} effective draws a second`,
      `warmup ${(fit.chains[0].seconds.warmup * 1e3).toFixed(1)} ms`,
    ].join(", "),
  );
}
console.log(`median ${Math.round(median(rates))} effective draws a second`);

const instance = single(withNuts(model, "diag", 10));
const lpGrad = instance.fn("mc_refresh");
instance.f64("q").fill(0.1);
const calls = 2_000_000;
for (let i = 0; i < calls; i++) lpGrad();
const begun = performance.now();
for (let i = 0; i < calls; i++) lpGrad();
console.log(`gradient ${(((performance.now() - begun) / calls) * 1e6).toFixed(0)} ns`);
