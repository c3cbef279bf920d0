/** Random well-typed models with values for their inputs. */
import { Choices } from "./choices.js";
import { Distributions, type Drawn, type Wanted } from "./distributions.js";
import { Expressions } from "./expressions.js";
import { input, type Plain } from "./inputs.js";
import { type Dim, type FunctionOf, type Loop, type Scope, type Value, within } from "./scope.js";

/** A generated model; `observed` are the sites that data are to be drawn for. */
export interface Generated {
  readonly text: string;
  readonly inputs: Readonly<Record<string, Plain>>;
  readonly observed: readonly string[];
}

/** What kinds of models are generated. */
export interface Flavour {
  /** All sites have finitely many values, and none is observed. */
  readonly finite?: boolean;
  /** Latent sites are continuous or have finitely many values. */
  readonly continuous?: boolean;
  /** One or two statements: few latent numbers, which quadrature can do. */
  readonly small?: boolean;
  /** Sizes may be 0. */
  readonly empty?: boolean;
}

interface Statements {
  readonly lines: string[];
  /** Values that stand after these statements. */
  readonly values: Value[];
}

class Generator {
  readonly #c: Choices;
  readonly #e: Expressions;
  readonly #d: Distributions;
  readonly #inputs: Record<string, Plain> = {};
  readonly #observed: string[] = [];
  readonly #written: string[] = [];
  #names = 0;

  constructor(
    c: Choices,
    readonly flavour: Flavour,
  ) {
    this.#c = c;
    this.#e = new Expressions(c);
    this.#d = new Distributions(c, this.#e);
  }

  generate(): Generated {
    const c = this.#c;
    const sizes: Dim[] = ["N", "J", "K"].slice(0, c.between(1, 3)).map((text) => ({
      text,
      size: this.#size(),
    }));
    const params = sizes.map((d) => `${d.text}: int`);
    for (const d of sizes) this.#inputs[d.text] = d.size;
    const values: Value[] = [];
    for (let k = c.below(4); k > 0; k--)
      params.push(input(this.#c, this.#name("x"), sizes, this.#inputs, values));
    const dims = [...sizes, { text: "2", size: 2 }];
    let scope: Scope = { values, loops: [], dims, functions: [], onlyKnown: false };
    const declarations: string[] = [];
    while (c.chance(0.35) && declarations.length < 3) {
      const { text, made } = this.#declaration(scope.functions);
      declarations.push(text);
      if (made !== undefined) scope = { ...scope, functions: [...scope.functions, made] };
    }
    const most = this.flavour.small === true ? 2 : this.flavour.finite === true ? 3 : 5;
    const body = this.#block(scope, c.between(1, most), this.flavour.small === true ? 1 : 2);
    const text = `${declarations.join("\n")}\nmodel m(${params.join(", ")}) {\n${body.lines.map((l) => `  ${l}`).join("\n")}\n}\n`;
    return { text, inputs: this.#inputs, observed: this.#observed };
  }

  #size(): number {
    if (this.flavour.empty === true && this.#c.chance(0.4)) return 0;
    return this.flavour.finite === true || this.flavour.small === true
      ? this.#c.between(1, 2)
      : this.#c.pick([1, 2, 2, 3, 3, 4]);
  }

  #name(prefix: string): string {
    this.#names++;
    return `${prefix}${this.#names}`;
  }

  /** A function or a distribution of the file. */
  #declaration(functions: readonly FunctionOf[]): { text: string; made?: FunctionOf } {
    const c = this.#c;
    if (c.chance(0.3)) {
      const name = this.#name("D");
      this.#written.push(name);
      const sign = c.pick(["u", "-u", "abs(u) * 0.5"]);
      return {
        text: c.pick(
          [
            `dist ${name}(m: real, s: positive) on real { logpdf(x) = Normal(m, s).log_prob(x); sample = m + s * Normal(0, 1).sample; mean = m }`,
            `dist ${name}(m: real, s: positive) on real { logpdf(x) = -log(2 * s) - abs(x - m) / s; quantile(u) = if u < 0.5 then m + s * log(2 * u) else m - s * log(2 - 2 * u); cdf(x) = if x < m then 0.5 * exp((x - m) / s) else 1 - 0.5 * exp((m - x) / s) }`,
            `dist ${name}(m: real, s: positive) on real { logpdf(x) = log(2) + Normal(m, s).log_prob(x) + log(normal_cdf((x - m) / s)); sample = m + s * (abs(Normal(0, 1).sample) + Normal(0, 1).sample) / sqrt(2) }`,
          ].filter((_, k) => k !== 2 || sign === "u"),
        ),
      };
    }
    const result = c.pick(["real", "positive", "vector"] as const);
    const args =
      result === "vector"
        ? (["vector", "real"] as const)
        : c.pick([["real"], ["real", "positive"], ["vector"], ["positive", "real"]] as const);
    const names = args.map((_, k) => `a${k}`);
    const n: Dim = { text: "n", size: 2 };
    const values: Value[] = args.map((a, k) => ({
      text: names[k],
      domain: a === "vector" ? "real" : a,
      dims: a === "vector" ? [{ text: "n", size: 0 }] : [],
      known: false,
    }));
    const scope: Scope = {
      values,
      loops: [],
      dims: args.includes("vector" as never)
        ? [
            { ...n, size: 0 },
            { text: "2", size: 2 },
          ]
        : [{ text: "2", size: 2 }],
      functions,
      onlyKnown: false,
    };
    const name = this.#name("f");
    const value = (s: Scope) =>
      result === "vector"
        ? this.#e.vector("real", { text: "n", size: 0 }, s, 2)
        : this.#e.scalar(result, s, 2);
    const params = args.map((a, k) => `${names[k]}: ${a === "vector" ? "real[n]" : a}`).join(", ");
    const type = c.chance(0.3) ? "" : ` -> ${result === "vector" ? "real[n]" : result}`;
    const made: FunctionOf = { name, args, result };
    if (c.chance(0.4)) {
      const local: Value = { text: "u", domain: "real", dims: [], known: false };
      const first = this.#e.real(scope, 1);
      return {
        text: `fn ${name}(${params})${type} {\n  let u = ${first}\n  return ${value({ ...scope, values: [...values, local] })}\n}`,
        made,
      };
    }
    return { text: `fn ${name}(${params})${type} = ${value(scope)}`, made };
  }

  /** Statements one after another, each of which may read those above it. */
  #block(outer: Scope, count: number, depth: number): Statements {
    const lines: string[] = [];
    const values: Value[] = [];
    for (let k = 0; k < count; k++) {
      const scope = { ...outer, values: [...outer.values, ...values] };
      const made = this.#statement(scope, depth);
      lines.push(...made.lines);
      values.push(...made.values);
    }
    return { lines, values };
  }

  #statement(scope: Scope, depth: number): Statements {
    const c = this.#c;
    const isTop = scope.loops.length === 0;
    const finite = this.flavour.finite === true;
    const ways: (readonly [number, () => Statements])[] = [
      [6, () => this.#site(scope)],
      [2, () => this.#definition(scope)],
      [depth > 0 ? 5 : 0, () => this.#loop(scope, depth)],
      [finite ? 0 : 0.5, () => this.#factor(scope)],
      [finite ? 0 : 0.6, () => this.#observe(scope)],
      [0.6, () => this.#branch(scope)],
      [isTop ? 1 : 0, () => this.#chain(scope)],
      [isTop && !finite ? 0.8 : 0, () => this.#recurrence(scope)],
      [isTop && !finite ? 0.7 : 0, () => this.#arraySite(scope)],
      [isTop && !finite ? 0.2 : 0, () => this.#scan(scope)],
    ];
    return c.weighted(ways)();
  }

  #wanted(): Wanted {
    return {
      depth: this.#c.weighted([
        [3, 0],
        [4, 1],
        [2, 2],
      ]),
      continuous: this.flavour.continuous,
    };
  }

  #drawn(scope: Scope): Drawn {
    if (this.flavour.finite !== true) return this.#d.any(scope, this.#wanted(), this.#written);
    const name = this.#c.pick([
      "Bernoulli",
      "Categorical",
      "OrderedLogistic",
      "Bernoulli",
      "Categorical",
      "Binomial",
      "Hypergeometric",
      "BetaBinomial",
    ]);
    return this.#d.named(name, scope, { depth: 2 });
  }

  /** The value that a statement defines, as its loop sees it (`inside`) and as others do. */
  #defined(
    name: string,
    scope: Scope,
    drawn: Pick<Drawn, "domain" | "event" | "top">,
    known = false,
  ) {
    const { loops } = scope;
    const at = loops.length > 0 ? `[${loops.map((l) => l.name).join(", ")}]` : "";
    const one: Value = {
      text: `${name}${at}`,
      domain: drawn.domain,
      dims: drawn.event,
      known,
      ...(drawn.top && { top: drawn.top }),
    };
    const whole: Value = { ...one, text: name, dims: [...loops.map((l) => l.dim), ...drawn.event] };
    return { at, one, whole };
  }

  /** Data is drawn for the site later on, by chance or where it must be. */
  #choose(name: string, drawn: Drawn): void {
    const must = drawn.only === "observed";
    const isEndless = drawn.domain === "count";
    const isLatent = drawn.only === "latent" || this.flavour.finite === true;
    if (must || (!isLatent && this.#c.chance(isEndless ? 0.9 : 0.35))) this.#observed.push(name);
  }

  #site(scope: Scope): Statements {
    const drawn = this.#drawn(scope);
    const name = this.#name("s");
    const { at, one } = this.#defined(name, scope, drawn);
    this.#choose(name, drawn);
    const type = drawn.type === undefined ? "" : `: ${drawn.type}`;
    return { lines: [`${name}${at}${type} ~ ${drawn.text}`], values: [one] };
  }

  #definition(scope: Scope): Statements {
    const c = this.#c;
    const domain = c.pick(["real", "positive", "unit", "real"] as const);
    const dims = scope.dims.filter((d) => d.size > 0);
    const event = dims.length > 0 && c.chance(0.3) ? [c.pick(dims)] : [];
    const depth = c.between(1, 3);
    const value =
      event.length > 0
        ? this.#e.vector(domain, event[0], scope, depth)
        : this.#e.scalar(domain, scope, depth);
    const name = this.#name("v");
    if (scope.loops.length > 0 && c.chance(0.3)) {
      return {
        lines: [`let ${name} = ${value}`],
        values: [{ text: name, domain, dims: event, known: false }],
      };
    }
    const { at, one } = this.#defined(name, scope, { domain, event });
    return { lines: [`let ${name}${at} = ${value}`], values: [one] };
  }

  /** Loops around statements; what they define is a whole array after them. */
  #loop(scope: Scope, depth: number): Statements {
    const c = this.#c;
    const sizes = scope.dims.filter((d) => !/^\d/.test(d.text) || c.chance(0.3));
    const loop: Loop = {
      name: this.#name("i"),
      dim: c.pick(sizes.length > 0 ? sizes : scope.dims),
    };
    const inner = within(scope, loop);
    const body = this.#block(inner, c.between(1, 3), depth - 1);
    const suffix = `[${inner.loops.map((l) => l.name).join(", ")}`;
    const values = body.values.flatMap((v) => {
      const cut = v.text.indexOf(suffix);
      if (cut < 0)
        return v.text.includes("[") || !/^[sv]/.test(v.text) ? [] : this.#afterLoop(v, loop, inner);
      return this.#afterLoop(v, loop, inner);
    });
    const lines = [
      `for ${loop.name} in 0..${loop.dim.text} {`,
      ...body.lines.map((l) => `  ${l}`),
      "}",
    ];
    return { lines, values };
  }

  #afterLoop(v: Value, loop: Loop, inner: Scope): Value[] {
    const open = v.text.indexOf("[");
    if (open < 0) return [];
    const indices = v.text.slice(open + 1, -1).split(", ");
    const loops = inner.loops.map((l) => l.name);
    if (indices.length !== loops.length || indices.some((x, k) => x !== loops[k])) return [];
    const outer = indices.slice(0, -1);
    const text = `${v.text.slice(0, open)}${outer.length > 0 ? `[${outer.join(", ")}]` : ""}`;
    return [{ ...v, text, dims: [loop.dim, ...v.dims] }];
  }

  #factor(scope: Scope): Statements {
    const e = this.#e;
    const line = this.#c.pick([
      () => `factor -0.5 * square(tanh(${e.real(scope, 2)}))`,
      () => `factor Normal(0, 1).log_prob(${e.real(scope, 2)})`,
      () => `factor (if ${e.bool(scope, 1)} then 0.3 else -0.2)`,
    ])();
    return { lines: [line], values: [] };
  }

  #observe(scope: Scope): Statements {
    const known = { ...scope, onlyKnown: true };
    const value = this.#e.real(known, 1);
    const drawn = this.#d.named(
      this.#c.pick(["Normal", "StudentT", "Cauchy", "Laplace", "Logistic", "Gumbel"]),
      scope,
      this.#wanted(),
    );
    return { lines: [`observe ${value} ~ ${drawn.text}`], values: [] };
  }

  /** A choice of statements by what is known; both sides define the same site. */
  #branch(scope: Scope): Statements {
    const c = this.#c;
    const condition = this.#e.bool({ ...scope, onlyKnown: true }, 1);
    const known = /[a-z]/.test(condition) ? condition : "N > 1";
    const a = this.#d.named(
      c.pick(this.flavour.finite ? ["Bernoulli"] : ["Normal", "Cauchy", "StudentT", "Logistic"]),
      scope,
      this.#wanted(),
    );
    const b = this.#d.named(
      c.pick(this.flavour.finite ? ["Bernoulli"] : ["Normal", "Laplace"]),
      scope,
      this.#wanted(),
    );
    const name = this.#name("s");
    const { at, one } = this.#defined(name, scope, a);
    this.#choose(name, a);
    return {
      lines: [
        `if ${known} {`,
        `  ${name}${at} ~ ${a.text}`,
        "} else {",
        `  ${name}${at} ~ ${b.text}`,
        "}",
      ],
      values: [one],
    };
  }

  /** A chain of sites: a walk, or labels in turn. */
  #chain(scope: Scope): Statements {
    const c = this.#c;
    const dims = scope.dims.filter((d) => d.size > 0 && !/^\d/.test(d.text));
    if (dims.length === 0) return this.#site(scope);
    const dim = c.pick(dims);
    const name = this.#name("s");
    const t = this.#name("t");
    const first: Scope = scope;
    if (this.flavour.finite === true || c.chance(0.4)) {
      const k = c.pick(scope.dims.filter((d) => d.size > 0));
      const rows = readableRows(scope, k);
      const table =
        rows.length > 0 && c.chance(0.7)
          ? `${c.pick(rows)}[${name}[${t} - 1]]`
          : `softmax([for q in 0..${k.text}: if q == ${name}[${t} - 1] then 1 else ${this.#e.real(scope, 1)}])`;
      this.#choose(name, { text: "", domain: "index", event: [] });
      return {
        lines: [
          `${name}[0] ~ Categorical(${this.#e.simplex(k, first, 1)})`,
          `for ${t} in 1..${dim.text} { ${name}[${t}] ~ Categorical(${table}) }`,
        ],
        values: [{ text: name, domain: "index", dims: [dim], top: k, known: false }],
      };
    }
    const s = this.#e.positive(scope, 1);
    const map = c.pick([
      (x: string) => x,
      (x: string) => `0.7 * ${x}`,
      (x: string) => `sin(${x}) + ${this.#e.real(scope, 1)}`,
    ]);
    this.#choose(name, { text: "", domain: "real", event: [] });
    return {
      lines: [
        `${name}[0] ~ Normal(${this.#e.real(first, 1)}, 1)`,
        `for ${t} in 1..${dim.text} { ${name}[${t}] ~ Normal(${map(`${name}[${t} - 1]`)}, ${s}) }`,
      ],
      values: [{ text: name, domain: "real", dims: [dim], known: false }],
    };
  }

  #recurrence(scope: Scope): Statements {
    const c = this.#c;
    const dims = scope.dims.filter((d) => d.size > 0 && !/^\d/.test(d.text));
    if (dims.length === 0) return this.#definition(scope);
    const dim = c.pick(dims);
    const [name, t] = [this.#name("v"), this.#name("t")];
    const inner = within(scope, { name: t, dim });
    const before = `${name}[${t} - 1]`;
    const step = c.pick([
      () => `0.5 * ${before} + ${this.#e.real(inner, 1)}`,
      () => `tanh(${before}) * ${this.#e.real(inner, 1)}`,
      () =>
        `(if ${before} > 0.2 then ${before} - ${this.#e.real(inner, 0)} else ${this.#e.real(inner, 1)})`,
    ])();
    return {
      lines: [
        `let ${name}[0] = ${this.#e.real(scope, 1)}`,
        `for ${t} in 1..${dim.text} { let ${name}[${t}] = ${step} }`,
      ],
      values: [{ text: name, domain: "real", dims: [dim], known: false }],
    };
  }

  #scan(scope: Scope): Statements {
    const dims = scope.dims.filter((d) => d.size > 0 && !/^\d/.test(d.text));
    if (dims.length === 0) return this.#definition(scope);
    const dim = this.#c.pick(dims);
    const name = this.#name("v");
    const e = this.#e;
    return {
      lines: [
        `let ${name} = scan((l, x) => tanh(${e.unit(scope, 0)} * l + x), ${e.real(scope, 1)}, ${e.vector("real", dim, scope, 1)})`,
      ],
      values: [{ text: name, domain: "real", dims: [dim], known: false }],
    };
  }

  /** `y ~ Normal(v, s)` of whole arrays. */
  #arraySite(scope: Scope): Statements {
    const c = this.#c;
    const dims = scope.dims.filter((d) => d.size > 0);
    if (dims.length === 0) return this.#site(scope);
    const dim = c.pick(dims);
    const e = this.#e;
    const name = this.#name("s");
    const isMatrix = c.chance(0.25);
    const columns = c.pick(dims);
    const mean = isMatrix ? e.matrix(dim, columns, scope, 1) : e.vector("real", dim, scope, 2);
    const scale =
      !isMatrix && c.chance(0.4) ? e.vector("positive", dim, scope, 1) : e.positive(scope, 1);
    const event = isMatrix ? [dim, columns] : [dim];
    const made = c.pick([
      { text: `Normal(${mean}, ${scale})`, domain: "real" as const },
      { text: `StudentT(4, ${mean}, ${scale})`, domain: "real" as const },
      { text: `LogNormal(${mean}, ${scale})`, domain: "positive" as const },
      { text: `Bernoulli(logits: ${mean})`, domain: "bool" as const },
    ]);
    const drawn: Drawn = { ...made, event };
    this.#choose(name, drawn);
    return {
      lines: [`${name} ~ ${drawn.text}`],
      values: [{ text: name, domain: drawn.domain, dims: event, known: false }],
    };
  }
}

function readableRows(scope: Scope, k: Dim): string[] {
  return scope.values
    .filter(
      (v) =>
        v.domain === "simplex" && v.dims.length === 2 && v.dims.every((d) => d.text === k.text),
    )
    .map((v) => v.text);
}

/** The model of that number of a seed. */
export function generate(seed: number, number: number, flavour: Flavour = {}): Generated {
  return new Generator(new Choices(seed, number), flavour).generate();
}
