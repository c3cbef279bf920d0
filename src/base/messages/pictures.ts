/** Diagnostic texts of comparisons, pictures and files of fits. */
import { error, warning } from "./entry.js";

const listed = (names: readonly string[]): string => {
  const shown = names.slice(0, 5).map((n) => `\`${n}\``);
  const more = names.length - shown.length;
  return `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
};

export const pictureMessages = {
  loo_no_draws: error((p: { model: string; method: string }) => ({
    message: `leave-one-out needs draws from the posterior, and this fit of \`${p.model}\` by ${p.method} has none, or too few`,
    help: "fit the model with `--method nuts` and at least 100 draws",
  })),
  checks_no_sites: error((p: { model: string; inputs: readonly string[]; isPoint: boolean }) => ({
    message: p.isPoint
      ? `a point estimate of \`${p.model}\` has no draws to replicate the data from`
      : `\`${p.model}\` has no sites with a value in the data to replicate`,
    help: p.isPoint
      ? "fit it by a method that draws, such as `nuts`"
      : p.inputs.length === 0
        ? "leave the data in a model's `~` statements: `observe` and `factor` draw nothing"
        : `take ${listed(p.inputs)} out of the model's inputs: a name that is drawn and no input is a site, observed where the data gives it`,
  })),
  loo_no_observations: error((p: { model: string; names: readonly string[] }) => ({
    message:
      p.names.length === 0
        ? `\`${p.model}\` has no observations to leave out`
        : `\`${p.model}\` has no observations of ${listed(p.names)}`,
    help: "observations are the sites with a value in the data, and `observe` statements",
  })),
  loo_approximate: warning((p: { model: string; method: string }) => ({
    message: `the draws of \`${p.model}\` come from an approximation (${p.method}): its error is part of these figures and is not in their standard errors`,
    help: "fit the model with `--method nuts`",
  })),
  loo_shapes: warning(
    (p: {
      model: string;
      names: readonly string[];
      total: number;
      limit: number;
      largest: number;
    }) => ({
      message: `${p.names.length} of ${p.total} observations of \`${p.model}\` are too influential for this estimate: ${listed(p.names)} (Pareto k up to ${p.largest.toFixed(2)}, above ${p.limit.toFixed(2)})`,
      help: "the model is surprised by them: a distribution with heavier tails may fit better; else fit it again without each and predict that one",
    }),
  ),
  loo_single: warning((p: { model: string; name: string }) => ({
    message: `\`${p.model}\` has one observation, \`${p.name}\`: it is drawn as a whole, and without it nothing is left to learn from`,
    help: "where its parts are independent given the parameters, draw them in a `for` loop",
  })),
  loo_chained: warning((p: { model: string; names: readonly string[] }) => ({
    message: `${listed(p.names)} of \`${p.model}\`: distributions of some observations read other observations, as in a time series, so that one left out is told by those after it`,
    help: "read this as how well gaps are filled; to judge forecasts, fit the first part of the series and predict the rest",
  })),
  compare_observations: error((p: { a: string; b: string; counts: readonly [number, number] }) => ({
    message:
      p.counts[0] === p.counts[1]
        ? `${p.a} and ${p.b} were fitted to different observations`
        : `${p.a} has ${p.counts[0]} observations and ${p.b} has ${p.counts[1]}`,
    help: "models are compared on the same observations; `--vars y` chooses the sites that count",
  })),
  picture_kind: error(
    (p: { kind: string; near: readonly string[]; available: readonly string[] }) => ({
      message: `there is no picture \`${p.kind}\`${p.near.length > 0 ? ` (did you mean \`${p.near[0]}\`?)` : ""}`,
      help: `of this fit there are: ${p.available.join(", ")}`,
    }),
  ),
  picture_unavailable: error(
    (p: { kind: string; method: string; reason: string; available: readonly string[] }) => ({
      message: `there is no picture \`${p.kind}\` of a fit by ${p.method}: ${p.reason}`,
      help:
        p.available.length === 0
          ? "`tilde run` prints what this fit tells"
          : `of this fit there are: ${p.available.join(", ")}`,
    }),
  ),
  picture_library: error((p: { names: readonly string[]; reason: string }) => ({
    message: `pictures in files need packages that are not installed: ${p.reason}`,
    help: `\`npm install ${p.names.join(" ")}\`; without \`--format\` and \`--out\` pictures are drawn in the terminal and need none`,
  })),
  picture_fonts: error(() => ({
    message: "this system has no font that PNG pictures could be lettered with",
    help: "install a font (Debian: `apt install fonts-dejavu-core`), or `--format svg` or `html`, whose text is drawn where they are shown",
  })),
  picture_format: error((p: { format: string; path?: string }) => ({
    message: `\`${p.format}\` is no format of pictures`,
    help: "`--format svg`, `png`, `html` or `text`, or a file name that ends so: `--out trace.svg`",
  })),
};
