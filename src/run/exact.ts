/** `exact`: the posterior and the evidence in closed form, with independent draws from it. */
import { fail } from "../base/diagnostic.js";
import { exactPosterior, type NotExact } from "../inference/exact/exact.js";
import { stream } from "../math/rng/random.js";
import type { Conditioned } from "../passes/condition/index.js";
import { type Run, refuseNothing, refuseParams } from "./context.js";
import { makeInstance } from "./gibbs-chain.js";
import type { ExactOptions } from "./methods.js";
import type { FitData } from "./results/fit.js";
import { latentLength } from "./results/fit.js";

/** The random streams of the draws have this for their site; samplers use small numbers. */
const STREAM_SITE = 0x51000000;

/** @throws TildeError `not_exact` where the posterior has no closed form */
export function solveExactly(run: Run, method: ExactOptions): FitData {
  const { conditioned, seed } = run;
  refuseParams(conditioned, method.method);
  const found = exactPosterior(conditioned, makeInstance);
  if (found.kind !== "exact") return refuseExact(conditioned, found);
  const latents = found.joint.sites.map((s) => s.latent);
  const width = latentLength(latents);
  refuseNothing({ dimension: width }, method.method);
  const compiled = performance.now();
  const values = new Float64Array(method.draws * width);
  for (let t = 0; t < method.draws; t++) {
    values.set(found.draw(stream(seed, 0, STREAM_SITE, t)), t * width);
  }
  return {
    conditioned,
    method: "exact",
    latents,
    chains: [{ values, draws: method.draws, statistics: {} }],
    timing: {
      compileSeconds: (compiled - run.start) / 1000,
      warmupSeconds: 0,
      sampleSeconds: (performance.now() - compiled) / 1000,
      gradients: 0,
    },
    seed,
    isPoint: false,
    interrupted: false,
    warmup: 0,
    warnings: [],
    figures: { log_evidence: found.logEvidence },
  };
}

/** @throws TildeError that names the site and why there is no closed form */
export function refuseExact(conditioned: Conditioned, reason: NotExact): never {
  const { name, why } = explained(reason, conditioned);
  const span = conditioned.model.variables.find((v) => v.name === name)?.span;
  return fail("not_exact", span, { name, reason: why });
}

function explained(
  reason: NotExact,
  { model }: Conditioned,
): { readonly name: string; readonly why: string } {
  switch (reason.kind) {
    case "discrete":
      return { name: reason.name, why: "it is discrete, and closed forms are of continuous sites" };
    case "conditional":
      return {
        name: reason.name,
        why: "given the other sites it follows no distribution of a conjugate family",
      };
    case "not_jointly_normal":
      return {
        name: reason.names[0],
        why:
          reason.names.length === 1
            ? "its density is not normal in all of its elements together"
            : `${listed(reason.names)} are normal one by one, but not together`,
      };
    case "marginal":
      return {
        name: reason.name,
        why: "integrated over the other sites its posterior is of no conjugate family",
      };
    case "too_large":
      return {
        name: model.variables.find((v) => v.role === "site" && v.given !== "all")?.name ?? "",
        why: `the normal sites have ${reason.length} elements together, too many for one dense matrix`,
      };
  }
}

function listed(names: readonly string[]): string {
  const quoted = names.map((n) => `\`${n}\``);
  return `${quoted.slice(0, -1).join(", ")} and ${quoted[quoted.length - 1]}`;
}
