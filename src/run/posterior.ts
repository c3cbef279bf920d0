/** A fit as users see it: draws by name, a summary, predictions, files. */
import { type Diagnostic, TildeError } from "../base/diagnostic.js";
import { Clusters, partitionsOf } from "./clusters.js";
import { type Loo, looOf } from "./compare/loo.js";
import { pointwiseOf } from "./compare/pointwise.js";
import { readObject } from "./data/values.js";
import type { SamplerDiagnostics } from "./diagnostics/index.js";
import { presentable } from "./failure.js";
import { type CheckedSite, checkFit, type TestStatistic } from "./pictures/checks.js";
import type { PictureKind } from "./pictures/picture.js";
import type { FileFormat } from "./pictures/render.js";
import { type Marginals, marginalsOf, mostProbableOf } from "./results/discrete.js";
import type { FitData, MethodName, ParamTree, Timing, VariableDraws } from "./results/fit.js";
import { checkFormats, type FitFormat } from "./results/formats/index.js";
import { readableNames, readVariables } from "./results/readout.js";
import { type Summary, summarise } from "./results/summary.js";
import { predict } from "./simulate.js";

export interface PlotOptions {
  /** The first that this fit has: `trace` of chains, else `density` or `elbo`. */
  readonly kind?: PictureKind;
  /** Variables and elements, `theta[3]`; some by turns where left out. */
  readonly vars?: readonly string[];
}

export class Posterior {
  readonly #fit: FitData;
  #summary: Summary | undefined;

  constructor(fit: FitData) {
    this.#fit = fit;
  }

  /** The plain data behind this fit. */
  get fit(): FitData {
    return this.#fit;
  }
  get method(): MethodName {
    return this.#fit.method;
  }
  /** Latent sites, and lets that depend on one, in the order of the model. */
  get names(): readonly string[] {
    return readableNames(this.#fit);
  }
  get timing(): Timing {
    return this.#fit.timing;
  }
  /** True where the run was stopped before all draws were made; those so far are here. */
  get interrupted(): boolean {
    return this.#fit.interrupted;
  }

  /**
   * Learned params of all programs by module path, as nested lists: those of the model at the root,
   * those of a guide under its name. Undefined for methods that learn none.
   */
  get params(): ParamTree | undefined {
    return this.#fit.params;
  }

  /**
   * Draws of a site or a top-level let, shape `[chains, draws, …dims]`. Lets are computed from the
   * draws of the sites when asked for.
   * @throws TildeError for a name that the model does not define.
   */
  draws(name: string): VariableDraws {
    const found = guarded(() => readVariables(this.#fit, [name]).get(name));
    return found ?? { data: new Float64Array(0), shape: [0, 0] };
  }

  /**
   * Probabilities of the values of a discrete site that was summed out, `[…dims, values]`: the mean
   * over the draws of the exact probabilities given each draw.
   * @throws TildeError for a name that is no such site.
   */
  marginals(name: string): Marginals {
    return guarded(() => marginalsOf(this.#fit, name));
  }

  /**
   * A discrete site in the most probable joint assignment of all discrete sites (Viterbi's path in
   * a hidden Markov model), given the other sites at a point estimate or, where there are draws, at
   * the draw of highest density; `[…dims]`.
   * @throws TildeError for a name that is no summed-out site.
   */
  mostProbable(name: string): { readonly data: Float64Array; readonly shape: readonly number[] } {
    const { dims, data } = guarded(() => mostProbableOf(this.#fit, name));
    return { data, shape: dims };
  }

  /**
   * What draws of labels say that does not depend on what the clusters are called: how many there
   * are, which items go together, the partition of least expected loss, the predictive density.
   * @param name the labels' site; of a model with an unbounded plate its own
   * @throws TildeError for a name that was not drawn.
   */
  clusters(name?: string): Clusters {
    return guarded(() => {
      const { process, conditioned } = this.#fit;
      if (process !== undefined && (name === undefined || name === process.label)) {
        return new Clusters(conditioned, process.partitions, process);
      }
      const label = name ?? "";
      const draws = readVariables(this.#fit, [label]).get(label);
      return new Clusters(
        conditioned,
        partitionsOf(label, draws ?? { data: new Float64Array(0), shape: [0, 0] }),
      );
    });
  }

  /** Mean, sd, quantiles, effective sizes and R-hat of every scalar, or of the named variables. */
  summary(names?: readonly string[]): Summary {
    if (names !== undefined) return guarded(() => summarise(this.#fit, names));
    this.#summary ??= guarded(() => summarise(this.#fit));
    return this.#summary;
  }

  /** What the sampler's own diagnostics say; undefined for methods that do not sample. */
  get diagnostics(): SamplerDiagnostics | undefined {
    return this.summary().sampler;
  }
  /** Everything that is doubtful about this fit and its data, in words. */
  get warnings(): readonly Diagnostic[] {
    return [...this.#fit.conditioned.warnings, ...this.summary().warnings];
  }

  /**
   * Posterior predictive draws: the observed sites again for each draw, or, with new data, the
   * sites of the same model over the new inputs.
   * @throws TildeError where the new data do not fit the model.
   */
  predict(
    newData?: Readonly<Record<string, unknown>>,
    options: { readonly seed?: number } = {},
  ): ReadonlyMap<string, VariableDraws> {
    return guarded(() => {
      const read = newData === undefined ? undefined : readObject(newData);
      const problems = [...(read?.problems.values() ?? [])];
      if (problems.length > 0) throw new TildeError(problems);
      return predict(this.#fit, read?.values, options.seed ?? this.#fit.seed);
    });
  }

  /**
   * Leave-one-out cross-validation by Pareto smoothed importance sampling: the expected log density
   * of each observation given all others, and how far it can be trusted.
   * @param options `vars`: just the observations of these sites
   * @throws TildeError for a fit without draws, or where the model has no observations.
   */
  loo(options: { readonly vars?: readonly string[] } = {}): Loo {
    return guarded(() => looOf(pointwiseOf(this.#fit, options.vars)));
  }

  /**
   * Posterior predictive checks: a replication of the observed sites for each draw, and where the
   * mean, sd, min, median and max of the data lie among theirs.
   * @param options `vars`: just these sites; `statistics`: other functions of the data
   * @throws TildeError for a fit without draws or a model without observed sites.
   */
  ppc(
    options: {
      readonly vars?: readonly string[];
      readonly seed?: number;
      readonly statistics?: Readonly<Record<string, TestStatistic>>;
    } = {},
  ): readonly CheckedSite[] {
    return guarded(() => checkFit(this, options));
  }

  /**
   * A picture of the fit: SVG (default) or HTML text, the bytes of a PNG, or characters.
   * @throws TildeError for a kind that this fit does not have, and where the packages that draw
   *   charts are not installed; `text` needs none.
   */
  plot(options: PlotOptions & { readonly format: "png" }): Promise<Uint8Array>;
  plot(options?: PlotOptions & { readonly format?: "svg" | "html" | "text" }): Promise<string>;
  async plot(
    options: PlotOptions & { readonly format?: FileFormat | "text" } = {},
  ): Promise<string | Uint8Array> {
    const { kind, vars, format = "svg" } = options;
    try {
      const { pictureOf } = await import("./pictures/of-fit.js");
      const picture = pictureOf(this, kind, vars);
      if (format === "text") return (await import("./pictures/text.js")).textOf(picture);
      return await (await import("./pictures/render.js")).fileOf(picture, format);
    } catch (error) {
      throw presentable(error);
    }
  }

  /**
   * Writes the fit into a folder, which is made where it does not exist: `summary.json`, `draws.csv`,
   * of learned params `params.json`, and what `loadFit` reads.
   * @param options `format`: files of other programs too, `netcdf` (ArviZ) or `cmdstan`, or a list
   * @throws TildeError where that fails.
   */
  async save(
    directory: string,
    options: { readonly format?: FitFormat | readonly FitFormat[] } = {},
  ): Promise<void> {
    try {
      const formats = checkFormats([options.format ?? []].flat(), "`format`");
      const { saveFit } = await import("./results/save.js");
      await saveFit(this.#fit, this.summary(), directory, undefined, formats);
    } catch (error) {
      throw presentable(error);
    }
  }
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw presentable(error);
  }
}
