/** Diagnostic texts of learning by gradients: modules, guides, strategies, objectives. */
import { didYouMean, error } from "./entry.js";

const list = (names: readonly string[]): string => names.map((n) => `\`${n}\``).join(", ");

/** What to do with names that stand for no number; modules and functions are called. */
const notNumbers: Readonly<Record<string, string>> = {
  "a list of definitions": "give the index of one of them",
  "a model or guide": "draw from it, `z ~ q`, or evaluate its density, `log_joint(p, z)`",
  "a draw of all sites": "evaluate a density at it: `log_joint(p, z)`",
};

/** Why a function has no inverse that the compiler can write. */
const noInverse = {
  shape: "it does not give one real number for each number that is drawn",
  twice: "it reads the drawn value more than once",
  never: "it does not read the drawn value",
  function: "it uses a function that has no known inverse",
  sign: "whether it rises or falls depends on a sign that is not known",
};

const modules = {
  not_a_number: error((p: { name: string; what: string }) => ({
    message: `\`${p.name}\` is ${p.what}, not a number`,
    help: notNumbers[p.what] ?? `call it: \`${p.name}(x)\``,
  })),
  module_place: error((p: { name: string }) => ({
    message: `\`${p.name}\` cannot hold a module here`,
    help: "make it at the top of the model, without index or type: `let net = dense(3, 2)`",
  })),
  module_statement: error((p: { kind: string }) => ({
    message: `a module holds params, definitions, loops of those and functions, not \`${p.kind}\``,
    help: "draw in the model or guide that calls the module",
  })),
  module_loop: error((p: { range: string }) => ({
    message: `the range \`${p.range}\` is not known from the text`,
    help: "loops of modules are written out: their ends are numbers or lengths of `[…]`",
  })),
  module_index: error((p: { text: string }) => ({
    message: `\`${p.text}\` needs one index that is known from the text`,
    help: "definitions in a module have numbers or variables of its loops as index",
  })),
};

const strategies = {
  strategy_unknown: error((p: { name: string; near: readonly string[] }) => ({
    message: `\`${p.name}\` is no strategy for gradients`,
    help:
      didYouMean(p.near) ??
      "write `reparam`, `reinforce`, `gumbel(t)`, `straight_through(t)`, `rebar`, `enumerate` or `mvd`",
  })),
  strategy_usage: error((p: { usage: string }) => ({
    message: "the strategy has other arguments",
    help: `write \`using ${p.usage}\``,
  })),
  strategy_invalid: error((p: { strategy: string; dist: string; valid: readonly string[] }) => ({
    message: `\`${p.strategy}\` is not valid for draws of \`${p.dist}\``,
    help: p.valid.length === 0 ? undefined : `valid here: ${list(p.valid)}`,
  })),
};

const guides = {
  guide_model: error((p: { name: string; near: readonly string[] }) => ({
    message: `there is no model \`${p.name}\` in this file`,
    help: didYouMean(p.near) ?? "a guide stands in the file of its model",
  })),
  guide_adds_site: error((p: { name: string; model: string; near: readonly string[] }) => ({
    message: `the model \`${p.model}\` has no site \`${p.name}\``,
    help:
      didYouMean(p.near) ??
      "a guide draws sites of its model; others are auxiliary, where those follow from them, and stand in a `marginal(…)`",
  })),
  guide_auxiliary: error((p: { name: string; guide: string }) => ({
    message: `the guide \`${p.guide}\` draws \`${p.name}\`, which its model does not have: the density of the other sites is an integral over it`,
    help: `take \`marginal(${p.guide}, particles: 5)\` for the guide, which estimates that without bias`,
  })),
  guide_misses_site: error((p: { name: string; guide: string }) => ({
    message: `the guide \`${p.guide}\` does not draw the site \`${p.name}\`, and no data give it`,
    help: `draw \`${p.name}\` in the guide, or pass its values as data`,
  })),
  guide_draws_observed: error((p: { name: string; guide: string }) => ({
    message: `the guide \`${p.guide}\` draws \`${p.name}\`, which the data give`,
    help: `leave \`${p.name}\` out of the guide, or out of the data`,
  })),
  guide_shape: error((p: { name: string; own: string; model: string }) => ({
    message: `the guide draws \`${p.name}\` as ${p.own}, but in the model it is ${p.model}`,
    help: "the shapes of a guide's sites are those of the model",
  })),
  guide_support: error((p: { name: string; own: string; model: string }) => ({
    message: `the guide draws \`${p.name}\` from ${p.own}, but in the model it lies in ${p.model}`,
    help: "draw it from a distribution on the model's support, such as `LogNormal` for `positive`",
  })),
};

const transforms = {
  transformed_base: error((p: { text: string }) => ({
    message: `\`${p.text}\` cannot be transformed: its draws are not real numbers that vary one by one`,
    help: "`Transformed` works element by element on distributions of reals; for whole numbers, simplexes and matrices write the density: `x ~ Flat()` and `factor e`",
  })),
  transformed_inverse: error((p: { text: string; why: keyof typeof noInverse }) => ({
    message: `\`${p.text}\` cannot be inverted: ${noInverse[p.why]}`,
    help: "a model needs the density at any value: chain functions of one number that always rise or fall, such as `exp`, `log`, `sigmoid`, `logit`, `softplus`, `tanh`, `a + b * x` with a known sign of `b`; or draw `u ~ D` and define `let x = f(u)`",
  })),
  transformed_usage: error((_: Record<string, never>) => ({
    message: "`Transformed` takes a distribution and a function of one argument",
    help: "write `z ~ Transformed(D, f)`, with f a function such as `exp` or `u => a + exp(u)`; in guides also a layer of `flows`",
  })),
  transformed_shadow: error((p: { name: string }) => ({
    message: `\`${p.name}\` is bound once more inside the function`,
    help: "give the argument a name of its own",
  })),
  transformed_density: error(
    (p: { site: string; guide: string; objective: string; what: string }) => ({
      message: `the objective \`${p.objective}\` ${p.what}, and the guide \`${p.guide}\` draws \`${p.site}\` from \`Transformed\``,
      help: "the density of a flow is known at its own draws: choose `elbo`, `iwae` or `renyi`",
    }),
  ),
};

const chosen = {
  unknown_guide: error(
    (p: { name: string; model: string; known: readonly string[]; near: readonly string[] }) => ({
      message: `there is no guide \`${p.name}\` for the model \`${p.model}\``,
      help:
        didYouMean(p.near) ??
        (p.known.length > 0 ? `its guides are ${list(p.known)}` : "the file has no guide for it"),
    }),
  ),
  several_guides: error((p: { model: string; known: readonly string[] }) => ({
    message: `the model \`${p.model}\` has several guides`,
    help: `name one of ${list(p.known)}`,
  })),
  unknown_objective: error(
    (p: { name: string; known: readonly string[]; near: readonly string[] }) => ({
      message: `there is no objective \`${p.name}\``,
      help: didYouMean(p.near) ?? `known are ${list(p.known)}`,
    }),
  ),
};

const objectives = {
  objective_argument: error((p: { name: string }) => ({
    message: `\`${p.name}\` is not one of the objective's models and guides`,
    help: "these are the arguments without a type: `objective elbo(p, q)`",
  })),
  objective_statement: error((p: { kind: string }) => ({
    message: `an objective does not hold \`${p.kind}\``,
    help: "it draws from its models and guides (`z ~ q`), defines, loops, and returns a number",
  })),
  objective_draw: error((p: { text: string }) => ({
    message: `\`${p.text}\` is no draw of an objective`,
    help: "write `z ~ q`, or `z[k] ~ q` with all variables of the loops around it, from 0",
  })),
  objective_return: error((p: { name: string }) => ({
    message: `the objective \`${p.name}\` does not end in \`return e\``,
    help: "its value is the expectation of what it returns",
  })),
  objective_return_last: error((_: Record<string, never>) => ({
    message: "`return` is the last statement of an objective",
    help: "move it to the end; several returns stand there one after another",
  })),
  player_missing_name: error((_: Record<string, never>) => ({
    message: "one of several returns does not say whose params maximise it",
    help: "write `return e for critic`, with a model or guide, a module or a param of the objective",
  })),
  player_place: error((_: Record<string, never>) => ({
    message: "`return e for …` stands in objectives only",
    help: "write `return e`",
  })),
  player_name: error((p: { text: string }) => ({
    message: `\`${p.text}\` has no params of its own here`,
    help: "name a model or guide of the objective, or a module or param that it makes",
  })),
  player_twice: error((p: { name: string }) => ({
    message: `the params of \`${p.name}\` maximise two things`,
    help: "each of them stands in one `return e for …`; add up what they are to maximise",
  })),
  player_steps: error((p: { name: string }) => ({
    message: `\`${p.name}(…)\` takes the steps of a round and nothing else`,
    help: `write \`return e for ${p.name}(steps: 5)\`, once for each return, with an int of the arguments`,
  })),
  player_steps_value: error((p: { name: string; value: number }) => ({
    message: `\`${p.name}\` has ${p.value} steps in a round`,
    help: "give a whole number from 1 to 1000",
  })),
  player_unnamed: error((p: { objective: string; name: string }) => ({
    message: `no return of \`${p.objective}\` is for \`${p.name}\`, which has params`,
    help: `add \`return e for ${p.name}\`, or name it beside another: \`return e for p, ${p.name}\``,
  })),
  site_value_type: error((p: { text: string }) => ({
    message: `the type of \`${p.text}\` is not known here`,
    help: `give it a name and a type: \`let x: real[n, d] = ${p.text}\``,
  })),
  site_value_unknown: error(
    (p: { text: string; site: string; program: string; near: readonly string[] }) => ({
      message: `\`${p.text}\`: there is no \`${p.site}\` in ${p.program}`,
      help: didYouMean(p.near) ?? "read a site that is drawn, or one that the data give",
    }),
  ),
  site_value_shape: error((p: { text: string; declared: string; found: string }) => ({
    message: `\`${p.text}\` is declared ${p.declared} and found to be ${p.found}`,
    help: "an objective serves programs whose sites have the types that it says",
  })),
  energy_usage: error((_: Record<string, never>) => ({
    message: "`Energy` takes a function of one argument, the log density up to a constant",
    help: "write `x[i] ~ Energy(u => e)`, or `x[i]: real[D] ~ Energy(u => e)` for vectors",
  })),
  energy_place: error((_: Record<string, never>) => ({
    message: "`Energy` stands where a site of a model is drawn, and nowhere else",
    help: "write `x[i] ~ Energy(u => e)` in a model; guides and noise must be able to draw",
  })),
  energy_normaliser: error((p: { site: string; model: string; objective: string }) => ({
    message: `\`${p.objective}\` needs the normaliser of \`${p.site}\` in \`${p.model}\`, which follows its params`,
    help: "learn it by `nce` with a param for the normaliser, or by `denoising_score_matching`",
  })),
  energy_inferred: error((p: { site: string; read: string; method: string }) => ({
    message: `${p.method} needs the normaliser of \`${p.site}\`, which follows \`${p.read}\` and is not known`,
    help: "learn it by `nce`; or write `factor e` where the product of the terms as they are is meant",
  })),
  energy_draw: error((p: { site: string; model: string; draw: string }) => ({
    message: `the draw \`${p.draw}\` is of \`${p.model}\`, where \`${p.site}\` has a density that nothing draws from`,
    help: "draw from a guide, or from a model of distributions",
  })),
  grad_usage: error((_: Record<string, never>) => ({
    message: "`grad` takes a function, and what it gives takes one argument",
    help: "write `grad(f)(x)`, or `grad(u => e)(x)`",
  })),
  grad_function: error((p: { text: string }) => ({
    message: `\`${p.text}\` is no function`,
    help: "write `grad(u => e)(x)`, or name a function or module of one argument",
  })),
  grad_point: error((p: { text: string; actual: string }) => ({
    message: `\`${p.text}\` is ${p.actual}: there are gradients in real numbers only`,
    help: "take differences instead",
  })),
  grad_value: error((p: { text: string; actual: string }) => ({
    message: `\`${p.text}\` gives ${p.actual}, and \`grad\` wants one number`,
    help: "reduce it with `sum`, or take one element",
  })),
  objective_value: error((p: { actual: string }) => ({
    message: `an objective returns one number, not ${p.actual}`,
    help: "reduce it with `sum`, `mean` or `logsumexp`",
  })),
  objective_evaluation: error((p: { name: string }) => ({
    message: `\`${p.name}\` takes a model or guide of the objective and a draw`,
    help: `write \`${p.name}(p, z)\`, or \`${p.name}(p, z[k])\` for a draw in a loop`,
  })),
  objective_only: error((p: { name: string }) => ({
    message: `\`${p.name}\` stands in objectives only`,
    help: "models and guides are densities themselves",
  })),
  objective_unbound: error((p: { objective: string; names: readonly string[] }) => ({
    message: `the objective \`${p.objective}\` has no model or guide for ${list(p.names)}`,
    help: "give one for each of its arguments without a type",
  })),
  trace_misses_site: error((p: { name: string; program: string; trace: string }) => ({
    message: `\`${p.trace}\` has no value for the site \`${p.name}\` of \`${p.program}\``,
    help: "the draw and the data together must give every site of what is evaluated",
  })),
  pointwise_plates: error((p: { program: string }) => ({
    message: `\`log_probs\` wants all sites of \`${p.program}\` in one loop of one length`,
    help: "use `log_prob` for the density of all of them together",
  })),
  batch_unsupported: error((p: { name: string; size: string }) => ({
    message: `\`${p.name}\` cannot be cut into minibatches of \`${p.size}\``,
    help: `learn from all of \`${p.size}\` at once, or let a network give what each element has of its own`,
  })),
  param_start: error((p: { element: string; value: string; support: string }) => ({
    message: `the initial value ${p.value} of \`${p.element}\` does not lie inside \`${p.support}\``,
    help: "give an initial value, or a distribution of initial values, inside the param's support",
  })),
  draw_as_index: error((p: { name: string }) => ({
    message: `a draw of \`${p.name}\` cannot be an index here`,
    help: `sum over its values instead: \`using enumerate\` where the guide draws \`${p.name}\``,
  })),
  natural_family: error((p: { site: string }) => ({
    message: `the Fisher information of \`${p.site}\` is not known`,
    help: 'natural gradients need guides of Normal, LogNormal, HalfNormal, MvNormal, LowRankMvNormal, Bernoulli, Binomial, Categorical, Geometric, Poisson, Exponential, Gamma, InverseGamma, ChiSquare, Beta, Dirichlet or VonMises draws; otherwise choose `optimizer: "adam"`',
  })),
  estimator_site: error(
    (p: { site: string; known: readonly string[]; near: readonly string[] }) => ({
      message: `no program draws a site \`${p.site}\``,
      help: didYouMean(p.near) ?? `sites that are drawn: ${list(p.known)}`,
    }),
  ),
  relaxed_reading: error((p: { site: string; text: string }) => ({
    message: `draws of \`${p.site}\` cannot be read as \`${p.text}\``,
    help: "gradients can pass indices, numbers, comparisons and conditions of up to three draws; otherwise choose `enumerate` or `reinforce`",
  })),
  redraw_missing: error((p: { site: string }) => ({
    message: `no gradient passes draws of \`${p.site}\`, which depend on a site with \`rebar\` or \`muprop\``,
    help: "choose another strategy for the site that it depends on, such as `reinforce(baseline: nvil)`",
  })),
  strategy_missing: error((p: { site: string; strategy: string }) => ({
    message: `draws of \`${p.site}\` by \`${p.strategy}\` are not supported here`,
    help: "choose another strategy with `using`",
  })),
};

const estimates = {
  estimate_usage: error((p: { kind: string }) => ({
    message: `\`${p.kind}\` takes a model or guide and how many particles estimate its density`,
    help:
      p.kind === "marginal"
        ? "write `marginal(q, keep: [x], particles: 5)`; `proposal: r` draws the sites that are not kept"
        : "write `normalize(p, proposal: q, particles: 5)`, or leave the proposal out",
  })),
  estimate_place: error((p: { name: string }) => ({
    message: `\`${p.name}\` makes a program, which is no value`,
    help: `in an objective draw from it, \`z ~ ${p.name}(…)\`, evaluate it, \`log_prob(${p.name}(…), z)\`, or name it: \`let m = ${p.name}(…)\``,
  })),
  estimate_program: error((p: { name: string; kind: string }) => ({
    message: `\`${p.name}\` is no model or guide that \`${p.kind}\` can take`,
    help: "give one of the objective's arguments without a type, such as `q` of `objective f(p, q)`",
  })),
  estimate_nested: error((p: { name: string; kind: string }) => ({
    message: `\`${p.kind}\` of \`${p.name}\`, whose density is itself estimated`,
    help: "give a model or guide; one estimate can leave out all auxiliary sites at once",
  })),
  estimate_keep: error((p: { text: string }) => ({
    message: `\`keep\` takes names of sites, not \`${p.text}\``,
    help: "write `keep: [x, y]`",
  })),
  estimate_keep_empty: error((_: Record<string, never>) => ({
    message: "`marginal` keeps no site",
    help: "name the sites whose density is wanted: `keep: [x, y]`",
  })),
  estimate_keep_unknown: error(
    (p: { site: string; program: string; known: readonly string[]; near: readonly string[] }) => ({
      message: `\`${p.program}\` has no site \`${p.site}\` to be kept`,
      help: didYouMean(p.near) ?? `its sites are ${list(p.known)}`,
    }),
  ),
  estimate_keep_needed: error((p: { program: string; known: readonly string[] }) => ({
    message: `\`marginal\` does not say which sites of \`${p.program}\` it keeps`,
    help: `name some of ${list(p.known)}: \`keep: [${p.known[0]}]\`; a guide keeps the sites of its model`,
  })),
  estimate_particles_type: error((p: { kind: string; actual: string }) => ({
    message: `the particles of \`${p.kind}\` are ${p.actual}`,
    help: "give a whole number, or an int argument of the objective: `particles: M`",
  })),
  estimate_particles: error((p: { kind: string; value: number }) => ({
    message: `\`${p.kind}\` with ${p.value} particles`,
    help: "give a whole number from 1 to 100000: the more, the closer the estimate",
  })),
  estimate_proposal: error(
    (p: {
      proposal: string;
      program: string;
      missing: readonly string[];
      extra: readonly string[];
    }) => ({
      message:
        p.missing.length > 0
          ? `the proposal \`${p.proposal}\` does not draw ${list(p.missing)} of \`${p.program}\``
          : `the proposal \`${p.proposal}\` draws ${list(p.extra)}, which \`${p.program}\` does not leave to it`,
      help: "a proposal draws the sites that are neither kept nor given by data, and no others",
    }),
  ),
  estimate_factor: error((p: { proposal: string }) => ({
    message: `the proposal \`${p.proposal}\` has a factor, so that its density is not that of its draws`,
    help: "draw from plain distributions in a proposal; `Transformed`, `factor` and `observe` make others",
  })),
  estimate_nothing: error((p: { program: string }) => ({
    message: `the data give all sites of \`${p.program}\`: nothing is left for \`normalize\` to draw`,
    help: "leave a site out of the data, or evaluate `log_prob(p, data)`",
  })),
  estimate_shape: error((p: { site: string; proposal: string; own: string; wanted: string }) => ({
    message: `the proposal \`${p.proposal}\` draws \`${p.site}\` as ${p.own}, and it is ${p.wanted}`,
    help: "give it the shape that it has in the program",
  })),
  estimate_frozen: error((p: { program: string; draw: string }) => ({
    message: `the density of \`${p.program}\` with its params held, at its own draw \`${p.draw}\`: what the gradient leaves out has no mean of zero where the density is an estimate`,
    help: "let the gradient pass: `log_prob(q, z)`, as `elbo` does",
  })),
  estimate_score: error((p: { program: string }) => ({
    message: `derivatives of the log density of \`${p.program}\`, which is an estimate`,
    help: "the slope of the logarithm of an estimate is no unbiased estimate; take that of a model or guide",
  })),
  estimate_natural: error((p: { program: string }) => ({
    message: `no natural gradient passes draws of \`${p.program}\`, which are chosen among particles`,
    help: 'choose `optimizer: "adam"`',
  })),
  estimate_relaxed: error((p: { program: string; site: string }) => ({
    message: `\`${p.site}\` is relaxed, and the particles of \`${p.program}\` follow from it`,
    help: `draw \`${p.site}\` by \`using enumerate\` or \`using reinforce(baseline: nvil)\``,
  })),
  estimate_batch: error((p: { program: string }) => ({
    message: `\`${p.program}\` cannot be estimated from a minibatch: its particles are weighted by all data at once`,
    help: "learn from all data, or let each element of the plate have auxiliary sites of its own",
  })),
};

const states = {
  state_support: error((p: { name: string; support: string }) => ({
    message: `\`${p.name}\` has \`then\` and lies in ${p.support}`,
    help: "what is carried from step to step is real; take `exp` of it, or what else is wanted, where it is read",
  })),
  state_place: error((p: { name: string }) => ({
    message: `\`${p.name}\` has \`then\` inside a loop or with an index`,
    help: "carry one array: `param v: real[N, D] = 0 then e`, at the top of the model or in a module",
  })),
  state_draw: error((p: { name: string; site: string }) => ({
    message: `the next value of \`${p.name}\` reads \`${p.site}\`, which is drawn`,
    help: "let it follow from params and data; in an objective, from densities and values of draws",
  })),
  state_method: error((p: { name: string; method: string }) => ({
    message: `\`${p.method}\` takes no steps in which \`${p.name}\` could be carried on`,
    help: "`then` is for `svi` and `nce`",
  })),
};

export const learningMessages = {
  ...states,
  ...modules,
  ...strategies,
  ...guides,
  ...transforms,
  ...chosen,
  ...objectives,
  ...estimates,
};
