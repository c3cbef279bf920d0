/** Expressions of a wanted domain and shape over what a scope can read. All have moderate values. */
import type { Choices } from "./choices.js";
import {
  type Dim,
  type Domain,
  element,
  type FunctionOf,
  readable,
  type Scope,
  sameDim,
  type Value,
  wholeDomains,
  within,
} from "./scope.js";

type Ways<T> = readonly (readonly [weight: number, way: () => T])[];

export class Expressions {
  #binders = 0;
  constructor(private readonly c: Choices) {}

  /** A number in a domain that is element by element. */
  scalar(domain: Domain, scope: Scope, depth: number): string {
    switch (domain) {
      case "real":
        return this.real(scope, depth);
      case "positive":
        return this.positive(scope, depth);
      case "unit":
        return this.unit(scope, depth);
      case "count":
      case "index":
        return this.count(scope);
      case "bool":
        return this.bool(scope, depth);
      default:
        return this.real(scope, depth);
    }
  }

  real(scope: Scope, depth: number): string {
    if (depth <= 0) {
      return this.read(["real", "positive", "unit", "real"], scope) ?? this.constant();
    }
    const d = depth - 1;
    const r = () => this.real(scope, d);
    const p = () => this.positive(scope, d);
    const ways: Ways<string | undefined> = [
      [8, () => this.read(["real", "positive", "unit", "count"], scope)],
      [1, () => this.constant()],
      [3, () => `(${r()} ${this.c.pick(["+", "-"])} ${r()})`],
      [2, () => `tanh(${r()}) * ${r()}`],
      [1, () => `(${r()} / (1 + ${p()}))`],
      [1, () => `(-${r()})`],
      [2, () => `${this.c.pick(["sin", "cos", "tanh", "atan", "erf", "asinh"])}(${r()})`],
      [1, () => `${this.c.pick(["log", "sqrt", "log1p", "lgamma", "digamma"])}(${p()})`],
      [0.5, () => `${this.c.pick(["logit", "normal_quantile"])}(${this.unit(scope, d)})`],
      [0.7, () => `${this.c.pick(["max", "min"])}(${r()}, ${r()})`],
      [0.5, () => `abs(${r()})`],
      [0.4, () => `atan2(${r()}, ${p()})`],
      [1.5, () => `(if ${this.bool(scope, d)} then ${r()} else ${r()})`],
      [1, () => this.reduction(scope, d)],
      [1, () => this.ofVector(scope, d)],
      [0.7, () => this.ofMatrix(scope, d)],
      [0.6, () => this.ofDistribution(scope, d)],
      [1, () => this.called("real", scope, d)],
      [0.4, () => this.fromLoop(scope)],
      [0.4, () => this.read(["bool", "index"], scope)?.replace(/^(.*)$/, "real($1)")],
    ];
    return this.c.weighted(ways)() ?? this.real(scope, 0);
  }

  positive(scope: Scope, depth: number): string {
    if (depth <= 0)
      return this.read(["positive"], scope) ?? this.c.pick(["0.5", "1.3", "2", "0.8"]);
    const d = depth - 1;
    const r = () => this.real(scope, d);
    const p = () => this.positive(scope, d);
    const ways: Ways<string | undefined> = [
      [6, () => this.read(["positive", "unit"], scope, (v) => v.domain !== "unit")],
      [1, () => this.c.pick(["0.5", "1", "2.5", "0.1"])],
      [2, () => `exp(tanh(${r()}))`],
      [1, () => `(0.1 + softplus(${r()}))`],
      [1, () => `(0.5 + square(sin(${r()})))`],
      [1, () => `sqrt(1 + square(${r()}))`],
      [1, () => `(${p()} + ${p()})`],
      [0.7, () => `(${p()} * exp(-0.1 * ${p()}))`],
      [0.5, () => `(${p()})^0.5`],
      [0.5, () => `(0.1 + expm1(${this.unit(scope, d)}))`],
      [0.6, () => `(if ${this.bool(scope, d)} then ${p()} else ${p()})`],
      [0.7, () => this.called("positive", scope, d)],
    ];
    return this.c.weighted(ways)() ?? this.positive(scope, 0);
  }

  unit(scope: Scope, depth: number): string {
    if (depth <= 0) return this.read(["unit"], scope) ?? this.c.pick(["0.3", "0.5", "0.85"]);
    const d = depth - 1;
    const ways: Ways<string | undefined> = [
      [4, () => this.read(["unit"], scope)],
      [1, () => this.c.pick(["0.25", "0.6"])],
      [2, () => `sigmoid(${this.real(scope, d)})`],
      [1, () => `normal_cdf(tanh(${this.real(scope, d)}))`],
      [1, () => `exp(-${this.positive(scope, d)})`],
      [0.5, () => `(${this.unit(scope, d)} * ${this.unit(scope, d)})`],
      [0.5, () => `(1 - ${this.unit(scope, d)})`],
    ];
    return this.c.weighted(ways)() ?? this.unit(scope, 0);
  }

  /** A whole number from 0 that follows from inputs alone. */
  count(scope: Scope): string {
    const known = { ...scope, onlyKnown: true };
    return (
      (this.c.chance(0.5) ? this.read(["count"], known) : undefined) ?? this.c.pick(["1", "2", "3"])
    );
  }

  bool(scope: Scope, depth: number): string {
    const ways: Ways<string | undefined> = [
      [3, () => this.read(["bool"], scope)],
      [
        2,
        () =>
          `${this.real(scope, depth - 1)} ${this.c.pick(["<", ">", "<=", ">="])} ${this.c.pick(["0.37", "-0.41", "0.83"])}`,
      ],
      [1, () => this.label(scope)],
      [
        scope.loops.length > 0 ? 2 : 0,
        () =>
          `${this.c.pick(scope.loops).name} ${this.c.pick(["==", "!=", ">", "<="])} ${this.c.below(2)}`,
      ],
      [
        depth > 0 ? 1 : 0,
        () =>
          `(${this.bool(scope, depth - 1)} ${this.c.pick(["&&", "||"])} ${this.bool(scope, depth - 1)})`,
      ],
      [depth > 0 ? 0.5 : 0, () => `!(${this.bool(scope, depth - 1)})`],
    ];
    return `(${this.c.weighted(ways)() ?? `${this.real(scope, 0)} > 0.25`})`;
  }

  private label(scope: Scope): string | undefined {
    const at = this.read(["index"], scope);
    return at === undefined
      ? undefined
      : `${at} ${this.c.pick(["==", "!=", "<"])} ${this.c.below(2)}`;
  }

  constant(): string {
    return this.c.pick(["0", "1", "0.5", "-0.7", "1.5", "0.3", "-1", "2"]);
  }

  /** An element of something that can be read, in one of the domains. */
  read(
    domains: readonly Domain[],
    scope: Scope,
    also: (v: Value) => boolean = () => true,
  ): string | undefined {
    const found = readable(scope).filter(
      (v) =>
        also(v) &&
        (domains.includes(v.domain) ||
          (domains.includes("unit") && v.domain === "simplex" && v.dims.length > 0) ||
          (domains.includes("real") && wholeDomains.has(v.domain))),
    );
    return found.length === 0 ? undefined : element(this.c, scope, this.c.pick(found));
  }

  private fromLoop(scope: Scope): string | undefined {
    if (scope.loops.length === 0) return undefined;
    const { name } = this.c.pick(scope.loops);
    return this.c.pick([
      `0.3 * ${name}`,
      `(${name} + 1) / 2`,
      `real(${name} % 2)`,
      `real(idiv(${name}, 2))`,
    ]);
  }

  private binder(): string {
    this.#binders++;
    return `k${this.#binders}`;
  }

  private reduction(scope: Scope, depth: number): string | undefined {
    const dims = scope.dims.filter((d) => d.size > 0);
    if (dims.length === 0) return undefined;
    const dim = this.c.pick(dims);
    const name = this.binder();
    const outer = scope.loops.filter((l) => sameDim(l.dim, dim));
    const isRagged = outer.length > 0 && this.c.chance(0.3);
    const to = isRagged ? `${this.c.pick(outer).name} + 1` : dim.text;
    const body = this.real(within(scope, { name, dim }), depth);
    const op = this.c.pick(["sum", "sum", "mean", "max", "min", "logsumexp", "prod"]);
    return `tanh(${op}(for ${name} in 0..${to}: ${body}))`;
  }

  private ofVector(scope: Scope, depth: number): string | undefined {
    const dims = scope.dims.filter((d) => d.size > 0);
    if (dims.length === 0) return undefined;
    const dim = this.c.pick(dims);
    const v = () => this.vector("real", dim, scope, depth);
    return this.c.pick([
      () => `mean(${v()})`,
      () => `tanh(sum(${v()}))`,
      () => `logsumexp(${v()})`,
      () => `tanh(${v()} @ ${v()})`,
      () => `${v()}[${this.c.below(dim.size)}]`.replace(/^(.*)$/, dim.size > 0 ? "$1" : "0"),
      () => `max(${v()})`,
      () => (dim.size > 1 ? `log1p(sd(${v()}))` : `sum(${v()})`),
      () => `atan(prod(${v()}))`,
      () => `tanh(dot(${v()}, ${v()}))`,
    ])();
  }

  private ofMatrix(scope: Scope, depth: number): string | undefined {
    const dims = scope.dims.filter((d) => d.size > 0);
    if (dims.length === 0) return undefined;
    const dim = this.c.pick(dims);
    const s = () => this.cov(dim, scope, depth);
    const v = () => this.vector("real", dim, scope, depth);
    return this.c.pick([
      () => `log_det(${s()})`,
      () => `tanh(trace(${s()}))`,
      () => `tanh(${v()} @ solve(${s()}, ${v()}))`,
      () => `tanh(sum(inverse(${s()})))`,
      () => `cholesky(${s()})[${this.c.below(dim.size)}, 0]`,
      () => `tanh(sum(${this.matrix(dim, this.c.pick(dims), scope, depth)}))`,
    ])();
  }

  private ofDistribution(scope: Scope, depth: number): string | undefined {
    const r = () => this.real(scope, depth);
    const p = () => this.positive(scope, depth);
    return this.c.pick([
      () => `atan(Normal(${r()}, ${p()}).log_prob(${r()}))`,
      () => `Normal(${r()}, ${p()}).cdf(${r()})`,
      () => `StudentT(3, ${r()}, ${p()}).cdf(${r()})`,
      () => `atan(Gamma(${p()}, ${p()}).log_prob(${p()}))`,
      () => `Gamma(${p()}, ${p()}).mean`,
      () => `Beta(${p()}, ${p()}).cdf(${this.unit(scope, depth)})`,
      () => `Exponential(${p()}).cdf(${p()})`,
      () => `atan(Poisson(${p()}).log_prob(${this.count(scope)}))`,
    ])();
  }

  /** A call of a function of the file. */
  private called(
    result: FunctionOf["result"],
    scope: Scope,
    depth: number,
    dim?: Dim,
  ): string | undefined {
    const found = scope.functions.filter((f) => f.result === result);
    if (found.length === 0) return undefined;
    const f = this.c.pick(found);
    const dims = scope.dims.filter((d) => d.size > 0);
    const along = dim ?? (dims.length > 0 ? this.c.pick(dims) : undefined);
    const args = f.args.map((a) => {
      if (a === "vector")
        return along === undefined ? undefined : this.vector("real", along, scope, depth);
      return this.scalar(a, scope, depth);
    });
    return args.includes(undefined) ? undefined : `${f.name}(${args.join(", ")})`;
  }

  /** A vector of elements in a domain, or a simplex or an ordered vector. */
  vector(domain: Domain, dim: Dim, scope: Scope, depth: number): string {
    if (domain === "simplex") return this.simplex(dim, scope, depth);
    if (domain === "ordered") return this.ordered(dim, scope, depth);
    const d = depth - 1;
    const wanted: readonly Domain[] =
      domain === "real" ? ["real", "positive", "unit", "simplex", "ordered"] : [domain];
    const whole = (): string | undefined => {
      const found = readable(scope).filter(
        (v) =>
          wanted.includes(v.domain) && v.dims.length > 0 && sameDim(v.dims[v.dims.length - 1], dim),
      );
      return found.length === 0 ? undefined : element(this.c, scope, this.c.pick(found), 1, 1);
    };
    const comprehension = () => {
      const name = this.binder();
      return `[for ${name} in 0..${dim.text}: ${this.scalar(domain, within(scope, { name, dim }), Math.max(d, 0))}]`;
    };
    const fill = () => `fill(${this.scalar(domain, scope, 0)}, ${dim.text})`;
    if (depth <= 0) return whole() ?? fill();
    const same = () => this.vector(domain, dim, scope, d);
    const ways: Ways<string | undefined> = [
      [6, whole],
      [3, comprehension],
      [1, fill],
      [
        /^\d+$/.test(dim.text) && dim.size > 0 ? 2 : 0,
        () =>
          `[${Array.from({ length: dim.size }, () => this.scalar(domain, scope, d)).join(", ")}]`,
      ],
      [0.7, () => `(if ${this.bool(scope, d)} then ${same()} else ${same()})`],
      [
        domain === "real" ? 2 : 0,
        () =>
          `(${same()} ${this.c.pick(["+", "-"])} ${this.c.chance(0.5) ? same() : this.real(scope, d)})`,
      ],
      [domain === "real" ? 1 : 0, () => `tanh(${same()})`],
      [domain === "real" ? 0.5 : 0, () => `cumsum(tanh(${same()}))`],
      [0.5, () => `reverse(${same()})`],
      [domain === "real" ? 0.7 : 0, () => `tanh(${this.matrix(dim, dim, scope, d)} @ ${same()})`],
      [domain === "positive" ? 2 : 0, () => `exp(tanh(${this.vector("real", dim, scope, d)}))`],
      [domain === "unit" ? 2 : 0, () => `sigmoid(${this.vector("real", dim, scope, d)})`],
      [domain === "real" ? 0.7 : 0, () => this.called("vector", scope, d, dim)],
      [domain === "real" ? 0.5 : 0, () => this.gathered(dim, scope)],
    ];
    return this.c.weighted(ways)() ?? fill();
  }

  /** `alpha[group]` with a known array of labels of that length. */
  private gathered(dim: Dim, scope: Scope): string | undefined {
    const labels = scope.values.filter(
      (v) => v.known && v.domain === "index" && v.dims.length === 1 && sameDim(v.dims[0], dim),
    );
    for (const g of labels) {
      const found = readable(scope).filter(
        (v) =>
          v.domain === "real" &&
          v.dims.length === 1 &&
          g.top !== undefined &&
          sameDim(v.dims[0], g.top),
      );
      if (found.length > 0) return `${this.c.pick(found).text}[${g.text}]`;
    }
    return undefined;
  }

  simplex(dim: Dim, scope: Scope, depth: number): string {
    const whole = readable(scope).filter(
      (v) => v.domain === "simplex" && sameDim(v.dims[v.dims.length - 1], dim),
    );
    if (whole.length > 0 && this.c.chance(0.6)) {
      const found = element(this.c, scope, this.c.pick(whole), 1, 1);
      if (found !== undefined) return found;
    }
    if (depth <= 0 || this.c.chance(0.3)) return `ones(${dim.text}) / ${dim.text}`;
    return `softmax(${this.vector("real", dim, scope, depth - 1)})`;
  }

  ordered(dim: Dim, scope: Scope, depth: number): string {
    const whole = readable(scope).filter(
      (v) => v.domain === "ordered" && sameDim(v.dims[v.dims.length - 1], dim),
    );
    if (whole.length > 0 && this.c.chance(0.6)) {
      const found = element(this.c, scope, this.c.pick(whole), 1, 1);
      if (found !== undefined) return found;
    }
    const name = this.binder();
    if (depth <= 0 || this.c.chance(0.4)) return `[for ${name} in 0..${dim.text}: ${name} - 0.5]`;
    return `cumsum(${this.vector("positive", dim, scope, depth - 1)})`;
  }

  matrix(rows: Dim, columns: Dim, scope: Scope, depth: number): string {
    const whole = (): string | undefined => {
      const found = readable(scope).filter(
        (v) =>
          v.dims.length >= 2 &&
          !["index", "bool", "count"].includes(v.domain) &&
          sameDim(v.dims[v.dims.length - 1], columns) &&
          sameDim(v.dims[v.dims.length - 2], rows),
      );
      return found.length === 0 ? undefined : element(this.c, scope, this.c.pick(found), 1, 2);
    };
    const zeros = `zeros(${rows.text}, ${columns.text})`;
    if (depth <= 0) return whole() ?? zeros;
    const d = depth - 1;
    const [i, j] = [this.binder(), this.binder()];
    const ways: Ways<string | undefined> = [
      [5, whole],
      [
        1,
        () =>
          `outer(${this.vector("real", rows, scope, d)}, ${this.vector("real", columns, scope, d)})`,
      ],
      [
        2,
        () =>
          `[for ${i} in 0..${rows.text}, ${j} in 0..${columns.text}: ${this.real(within(within(scope, { name: i, dim: rows }), { name: j, dim: columns }), d)}]`,
      ],
      [1, () => `transpose(${this.matrix(columns, rows, scope, d)})`],
      [1, () => `(${this.matrix(rows, columns, scope, d)} + ${this.real(scope, d)})`],
      [
        0.7,
        () =>
          `tanh(${this.matrix(rows, columns, scope, d)} @ ${this.matrix(columns, columns, scope, d)})`,
      ],
      [0.5, () => zeros],
    ];
    return this.c.weighted(ways)() ?? zeros;
  }

  /** A covariance matrix that is well conditioned. */
  cov(dim: Dim, scope: Scope, depth: number): string {
    const whole = (): string | undefined => {
      const found = readable(scope).filter(
        (v) => ["cov", "corr"].includes(v.domain) && sameDim(v.dims[v.dims.length - 1], dim),
      );
      return found.length === 0 ? undefined : element(this.c, scope, this.c.pick(found), 1, 2);
    };
    const eye = `eye(${dim.text})`;
    if (depth <= 0) return whole() ?? eye;
    const d = depth - 1;
    const v = () => this.vector("real", dim, scope, d);
    const [u, name] = [v(), this.binder()];
    const ways: Ways<string | undefined> = [
      [6, whole],
      [1, () => eye],
      [1, () => `(outer(${u}, ${u}) + ${eye})`],
      [1, () => `diag_matrix(${this.vector("positive", dim, scope, d)})`],
      [1, () => `(${this.positive(scope, d)} * ${eye})`],
      [
        0.7,
        () =>
          `[for ${name} in 0..${dim.text}, ${name}b in 0..${dim.text}: exp(-abs(${name} - ${name}b) / 2) + (if ${name} == ${name}b then 0.1 else 0)]`,
      ],
    ];
    return this.c.weighted(ways)() ?? eye;
  }

  cholesky(dim: Dim, scope: Scope, depth: number): string {
    const found = readable(scope).filter(
      (v) => v.domain === "cholesky" && sameDim(v.dims[v.dims.length - 1], dim),
    );
    if (found.length > 0 && this.c.chance(0.7)) {
      const text = element(this.c, scope, this.c.pick(found), 1, 2);
      if (text !== undefined) return text;
    }
    return this.c.chance(0.5)
      ? `cholesky(${this.cov(dim, scope, depth)})`
      : `diag_matrix(${this.vector("positive", dim, scope, depth)})`;
  }
}
