/**
 * Distributions with arguments in their domains. Arguments follow the table's own specifications, so
 * that a distribution that is added there is generated here.
 */
import type { ParamSpec } from "../../src/distributions/contract.js";
import { distributions } from "../../src/distributions/index.js";
import type { Choices } from "./choices.js";
import type { Expressions } from "./expressions.js";
import type { Dim, Domain, Scope } from "./scope.js";

/** A distribution as text, and what a draw of it is. */
export interface Drawn {
  readonly text: string;
  readonly domain: Domain;
  /** Sizes of one draw. */
  readonly event: readonly Dim[];
  readonly top?: Dim;
  /** A declared support that restricts it: `x: positive ~ …`. */
  readonly type?: string;
  /** Only data can be drawn from it, or only latent values (densities that cannot be drawn from). */
  readonly only?: "observed" | "latent";
}

export interface Wanted {
  readonly depth: number;
  /** Latent values with finitely many or real values, so that every gradient method can have them. */
  readonly continuous?: boolean;
}

/** Where draws of the scalars lie, more finely than the table's supports need. */
const realDomains: Readonly<Record<string, Domain>> = {
  HalfNormal: "positive",
  LogNormal: "positive",
  HalfStudentT: "positive",
  HalfCauchy: "positive",
  Exponential: "positive",
  Gamma: "positive",
  InverseGamma: "positive",
  ChiSquare: "positive",
  Weibull: "positive",
  Pareto: "positive",
  Beta: "unit",
  Kumaraswamy: "unit",
};
const eventDomains: Readonly<Record<string, Domain>> = {
  Dirichlet: "simplex",
  Wishart: "cov",
  InverseWishart: "cov",
  LKJ: "corr",
  LKJCholesky: "cholesky",
  Multinomial: "count",
  DirichletMultinomial: "count",
};

export const scalarContinuous: readonly string[] = Object.values(distributions)
  .filter((d) => d.event.rank === 0 && d.event.scalar === "real" && d.name !== "Flat")
  .map((d) => d.name);
export const scalarDiscrete: readonly string[] = Object.values(distributions)
  .filter((d) => d.event.rank === 0 && d.event.scalar !== "real" && d.name !== "Delta")
  .map((d) => d.name);
export const multivariate: readonly string[] = Object.values(distributions)
  .filter((d) => d.event.rank > 0)
  .map((d) => d.name);
/** Whole numbers of finitely many values with any arguments. */
const finite: ReadonlySet<string> = new Set(["Bernoulli", "Categorical", "OrderedLogistic"]);
const withCdf: readonly string[] = Object.values(distributions)
  .filter((d) => d.logCdf !== undefined && d.quantile !== undefined && d.name !== "Flat")
  .map((d) => d.name);

export class Distributions {
  constructor(
    private readonly c: Choices,
    private readonly e: Expressions,
  ) {}

  /** Any distribution. `written`: names of distributions of the file, over reals. */
  any(scope: Scope, wanted: Wanted, written: readonly string[]): Drawn {
    const { c } = this;
    const dims = scope.dims.filter((d) => d.size > 0);
    const vectors = dims.length > 0 ? 1 : 0;
    return c.weighted<() => Drawn>([
      [
        5,
        () =>
          this.named(
            c.pick(["Normal", "Normal", "StudentT", "HalfNormal", "Gamma", "Beta"]),
            scope,
            wanted,
          ),
      ],
      [6, () => this.named(c.pick(scalarContinuous), scope, wanted)],
      [3, () => this.named(c.pick([...finite]), scope, wanted)],
      [wanted.continuous ? 0 : 3, () => this.named(c.pick(scalarDiscrete), scope, wanted)],
      [4 * vectors, () => this.named(c.pick(multivariate), scope, wanted)],
      [1.5, () => this.restricted(scope, wanted)],
      [1, () => this.truncated(scope, wanted)],
      [0.7, () => this.censored(scope, wanted)],
      [1, () => this.mixture(scope, wanted)],
      [wanted.continuous ? 0 : 0.5, () => this.zeroInflated(scope, wanted)],
      [1.5 * vectors, () => this.iid(scope, wanted)],
      [1, () => this.transformed(scope, wanted)],
      [written.length > 0 ? 2 : 0, () => this.written(c.pick(written), scope, wanted)],
    ])();
  }

  /** One of the table. */
  named(name: string, scope: Scope, wanted: Wanted): Drawn {
    const { c } = this;
    const definition = distributions[name];
    const specs = c.pick(definition.parameterisations);
    const dims = scope.dims.filter((d) => d.size > 0);
    const dim = dims.length > 0 ? c.pick(dims) : { text: "2", size: 2 };
    const columns = dims.length > 0 ? c.pick(dims) : dim;
    const isFirst = specs === definition.parameterisations[0];
    const special = this.related(name, dim, scope, wanted);
    const args =
      special ??
      specs.map((spec) => this.argument(spec, definition.event.rank, dim, columns, scope, wanted));
    const named = special === undefined && (!isFirst || c.chance(0.15));
    const text = `${name}(${args.map((a, k) => (named ? `${specs[k].name}: ${a}` : a)).join(", ")})`;
    if (definition.event.rank > 0) {
      const second = name === "MatrixNormal" ? columns : dim;
      const event = definition.event.rank === 1 ? [dim] : [dim, second];
      return { text, domain: eventDomains[name] ?? "real", event };
    }
    if (name === "Bernoulli") return { text, domain: "bool", event: [] };
    if (name === "Categorical") return { text, domain: "index", event: [], top: dim };
    if (name === "OrderedLogistic") {
      const more = /^\d+$/.test(dim.text) ? String(dim.size + 1) : `${dim.text} + 1`;
      return { text, domain: "index", event: [], top: { text: more, size: dim.size + 1 } };
    }
    if (definition.event.scalar === "int") return { text, domain: "count", event: [] };
    return { text, domain: realDomains[name] ?? "real", event: [] };
  }

  /** Arguments of distributions that constrain each other. */
  private related(name: string, dim: Dim, scope: Scope, { depth }: Wanted): string[] | undefined {
    const { c, e } = this;
    const p = () => e.positive(scope, depth);
    switch (name) {
      case "Uniform": {
        const a = e.real(scope, depth);
        return [a, `${a} + ${p()}`];
      }
      case "Triangular": {
        const a = e.real(scope, 0);
        const q = p();
        return [a, `${a} + ${q}`, `${a} + ${q} + ${p()}`];
      }
      case "Hypergeometric":
        return c.pick([
          ["2", "3", "6"],
          ["1", "2", "3"],
          ["3", "2", "4"],
        ]);
      case "Wishart":
      case "InverseWishart":
        return [`${dim.text} + ${p()}`, e.cov(dim, scope, depth)];
      case "LKJ":
      case "LKJCholesky":
        return [`0.5 + ${p()}`, dim.text];
      default:
        return undefined;
    }
  }

  private argument(
    spec: ParamSpec,
    rank: number,
    dim: Dim,
    columns: Dim,
    scope: Scope,
    { depth }: Wanted,
  ): string {
    const { e } = this;
    if (spec.rank === 0) {
      switch (spec.domain) {
        case "positive":
        case "nonnegative":
          return e.positive(scope, depth);
        case "unit":
          return e.unit(scope, depth);
        case "count":
        case "positive_int":
          return e.count(scope);
        case "size":
          return dim.text;
        default:
          return e.real(scope, depth);
      }
    }
    if (spec.rank === 1) {
      switch (spec.domain) {
        case "simplex":
          return e.simplex(dim, scope, depth);
        case "ordered":
          return e.ordered(dim, scope, depth);
        case "positive_vector":
        case "positive":
          return e.vector("positive", dim, scope, depth);
        default:
          return e.vector("real", dim, scope, depth);
      }
    }
    const along = spec.axis === 1 ? columns : dim;
    switch (spec.domain) {
      case "cov":
        return e.cov(along, scope, depth);
      case "cholesky_cov":
      case "cholesky_corr":
        return e.cholesky(along, scope, depth);
      default:
        return e.matrix(dim, rank === 1 ? { text: "2", size: 2 } : columns, scope, depth);
    }
  }

  /** `x: positive ~ Normal(0, 1)`: arguments are constants, so that the constant is one. */
  private restricted(scope: Scope, { depth }: Wanted): Drawn {
    const { c, e } = this;
    const base = c.pick([
      "Normal(0, 1)",
      "StudentT(4, 0.3, 1)",
      "Normal(0.5, 2)",
      "Logistic(0, 1)",
      "Cauchy(0, 1)",
    ]);
    const dims = scope.dims.filter((d) => d.size > 0);
    const scalar = (type: string, domain: Domain): Drawn => ({
      text: base,
      domain,
      event: [],
      type,
    });
    const ways: (() => Drawn)[] = [
      () => scalar("positive", "positive"),
      () => scalar("unit", "unit"),
      () => scalar("between(-1, 2)", "real"),
      () => scalar("above(-0.5)", "real"),
      () => scalar("below(1.5)", "real"),
      () => ({ text: "Beta(2, 2)", domain: "unit", event: [], type: "between(0.1, 0.8)" }),
      () => ({ text: "Gamma(2, 1)", domain: "positive", event: [], type: "above(0.3)" }),
      () => ({ text: "Flat(lower: -1, upper: 2)", domain: "real", event: [] }),
      () => ({ text: "Flat()", domain: "real", event: [], type: "between(0.2, 0.8)" }),
      () => ({ text: "Flat()", domain: "real", event: [], only: "latent" }),
    ];
    if (dims.length > 0) {
      const dim = c.pick(dims);
      ways.push(
        () => ({ text: base, domain: "ordered", event: [dim], type: `ordered[${dim.text}]` }),
        () => ({
          text: base,
          domain: "ordered",
          event: [dim],
          type: `positive_ordered[${dim.text}]`,
        }),
        () => ({
          text: "Normal(0, 1)",
          domain: "real",
          event: [dim],
          type: `unit_vector[${dim.text}]`,
          only: "latent",
        }),
        () => ({
          text: `Normal(${e.real({ ...scope, onlyKnown: true }, depth)}, 1)`,
          domain: "positive",
          event: [dim],
          type: `positive[${dim.text}]`,
        }),
      );
    }
    return c.pick(ways)();
  }

  private truncated(scope: Scope, wanted: Wanted): Drawn {
    const { c, e } = this;
    const base = this.named(
      c.pick(wanted.continuous ? withCdf.filter((n) => scalarContinuous.includes(n)) : withCdf),
      scope,
      wanted,
    );
    const isReal = base.domain === "real";
    const isUnit = base.domain === "unit";
    const low = isReal
      ? e.real(scope, 0)
      : isUnit
        ? "0.1"
        : base.domain === "positive"
          ? "0.2"
          : "0";
    const high = isReal
      ? `${low} + ${e.positive(scope, 0)}`
      : isUnit
        ? "0.9"
        : base.domain === "positive"
          ? `0.3 + ${e.positive(scope, 0)}`
          : "3";
    const bounds = c.pick([`lower: ${low}`, `upper: ${high}`, `lower: ${low}, upper: ${high}`]);
    const isWhole = ["count", "index", "bool"].includes(base.domain);
    return {
      ...base,
      domain: isWhole ? "count" : base.domain,
      top: undefined,
      text: `Truncated(${base.text}, ${isWhole ? `upper: ${high}` : bounds})`,
    };
  }

  private censored(scope: Scope, wanted: Wanted): Drawn {
    const { c } = this;
    const base = this.named(
      c.pick(["Normal", "Logistic", "Exponential", "Poisson", "Weibull"]),
      scope,
      wanted,
    );
    const bounds =
      base.domain === "real"
        ? c.pick(["lower: -0.5", "upper: 0.7", "lower: -1, upper: 1.5"])
        : "upper: 2";
    return { ...base, text: `Censored(${base.text}, ${bounds})`, only: "observed" };
  }

  private mixture(scope: Scope, wanted: Wanted): Drawn {
    const { c, e } = this;
    const names = c.pick([
      ["Normal", "StudentT", "Cauchy"],
      ["Gamma", "Exponential", "LogNormal"],
      ["Beta", "Kumaraswamy"],
      ...(wanted.continuous ? [] : [["Poisson", "Geometric", "NegativeBinomial"]]),
    ]);
    const one = () => this.named(c.pick(names), scope, wanted);
    const first = one();
    const dims = scope.dims.filter((d) => d.size > 0);
    if (dims.length > 0 && c.chance(0.4)) {
      const dim = c.pick(dims);
      const name = `c${c.below(1000)}`;
      const inside = { ...scope, loops: [...scope.loops, { name, dim }] };
      const part = this.named(c.pick(names), inside, wanted);
      return {
        ...part,
        text: `Mixture(${e.simplex(dim, scope, 1)}, [for ${name} in 0..${dim.text}: ${part.text}])`,
      };
    }
    const share = e.unit(scope, 1);
    return { ...first, text: `Mixture([${share}, 1 - ${share}], [${first.text}, ${one().text}])` };
  }

  private zeroInflated(scope: Scope, wanted: Wanted): Drawn {
    const base = this.named(
      this.c.pick(["Poisson", "NegativeBinomial", "Binomial"]),
      scope,
      wanted,
    );
    return { ...base, text: `ZeroInflated(${this.e.unit(scope, 1)}, ${base.text})` };
  }

  private iid(scope: Scope, wanted: Wanted): Drawn {
    const { c } = this;
    const dims = scope.dims.filter((d) => d.size > 0);
    const sizes = c.chance(0.25) ? [c.pick(dims), c.pick(dims)] : [c.pick(dims)];
    const base = this.named(
      c.pick(wanted.continuous ? scalarContinuous : [...scalarContinuous, ...scalarDiscrete]),
      scope,
      wanted,
    );
    return {
      ...base,
      text: `iid(${base.text}, ${sizes.map((d) => d.text).join(", ")})`,
      event: sizes,
    };
  }

  private transformed(scope: Scope, wanted: Wanted): Drawn {
    const { c, e } = this;
    const base = this.named(c.pick(["Normal", "Logistic", "StudentT"]), scope, {
      ...wanted,
      depth: Math.min(wanted.depth, 1),
    });
    const [map, domain] = c.pick<readonly [string, Domain]>([
      ["exp", "positive"],
      ["sigmoid", "unit"],
      ["softplus", "positive"],
      ["asinh", "real"],
      ["tanh", "real"],
      ["normal_cdf", "unit"],
      [`u => 0.5 - 2 * u`, "real"],
      [`u => 1 + exp(u)`, "positive"],
      [`u => ${e.positive({ ...scope, onlyKnown: true }, 0)} * sinh(u)`, "real"],
    ]);
    return { text: `Transformed(${base.text}, ${map})`, domain, event: [] };
  }

  private written(name: string, scope: Scope, { depth }: Wanted): Drawn {
    return {
      text: `${name}(${this.e.real(scope, depth)}, ${this.e.positive(scope, depth)})`,
      domain: "real",
      event: [],
    };
  }
}
