/**
 * The session's own words: what can be called at the prompt beside the functions of the language,
 * and the commands. Completion, help and the checks of arguments read these tables.
 */

export interface SessionFunction {
  /** As it is called. */
  readonly usage: string;
  readonly doc: string;
  /** Arguments by name. */
  readonly named: readonly string[];
}

/** Options of a run that belong to no method. */
export const runOptions: readonly string[] = ["method", "seed", "threads", "relabel"];

export const sessionFunctions = {
  infer: {
    usage: "infer(m, method: nuts(draws: 500), seed: 1)",
    doc:
      "The posterior of a model. Its inputs and observed sites are the values that the session has\n" +
      "under their names; `condition` says otherwise. Options of the method may stand here too:\n" +
      "`infer(m, draws: 500)`. Ctrl-C ends the run with the draws so far.",
    named: runOptions,
  },
  condition: {
    usage: "condition(m, y: [1, 2], x: x)",
    doc:
      "The model with these sites observed and no others, and with these inputs; inputs that are\n" +
      "left out are taken from the session.",
    named: [],
  },
  predict: {
    usage: "predict(fit, x: [0.5, 1.5])",
    doc:
      "Draws of the observed sites for each posterior draw; with values, of the sites over those\n" +
      "inputs.",
    named: ["seed"],
  },
  sample: {
    usage: "sample(Normal(0, 1), 1000)",
    doc: "Independent draws of a distribution.",
    named: ["seed"],
  },
  plot: {
    usage: "plot(fit.mu)",
    doc:
      "A picture of characters: the histogram of draws or data, the curve of a distribution, the\n" +
      "intervals of an array or of a fit's variables (`plot(fit, mu, theta)`), points `plot(x, y)`,\n" +
      "the chains of a variable (`plot(fit.mu, kind: trace)`); of a fit any kind that `tilde plot` has\n" +
      "(`plot(fit, mu, tau, kind: pair)`).",
    named: ["kind"],
  },
  summary: {
    usage: "summary(fit, mu, theta)",
    doc: "The table of a fit, of all its variables or of some.",
    named: [],
  },
  quantile: {
    usage: "quantile(fit.mu, [0.05, 0.95])",
    doc: "Quantiles over the draws.",
    named: [],
  },
  median: { usage: "median(fit.mu)", doc: "The median over the draws.", named: [] },
  marginals: {
    usage: "marginals(fit, z)",
    doc: "Probabilities of the values of a discrete site that was summed out.",
    named: [],
  },
  most_probable: {
    usage: "most_probable(fit, z)",
    doc: "A discrete site in the most probable joint assignment of all of them.",
    named: [],
  },
  save: {
    usage: 'save(fit, "folder")',
    doc: "Writes summary.json and draws.csv into a folder.",
    named: [],
  },
} as const satisfies Readonly<Record<string, SessionFunction>>;
export type SessionFunctionName = keyof typeof sessionFunctions;

export function isSessionFunction(name: string): name is SessionFunctionName {
  return Object.hasOwn(sessionFunctions, name);
}

/** Functions of the language that go over the draws where their argument is draws. */
export const drawSummaries = ["mean", "sd", "variance", "var", "median", "quantile"] as const;
export type DrawSummary = (typeof drawSummaries)[number];
export function isDrawSummary(name: string): name is DrawSummary {
  return (drawSummaries as readonly string[]).includes(name);
}

/** What a fit has beside its variables. */
export const fitMembers: Readonly<Record<string, string>> = {
  summary: "the table of all variables",
  warnings: "what is doubtful about the fit",
  names: "the variables",
  method: "the method",
  params: "what `svi` and `nce` learned, by name",
  clusters: "how many clusters the labels have, and the partition of least expected loss",
  figures: "what the method says about itself, such as its bound",
};

export interface CommandWords {
  readonly usage: string;
  readonly doc: string;
}
export const commands = {
  help: { usage: ":help", doc: "this list" },
  doc: { usage: ":doc NAME", doc: "what a function, distribution, method, model or command is" },
  type: { usage: ":type e", doc: "the type of an expression" },
  shape: { usage: ":shape e", doc: "the shape of an expression" },
  explain: {
    usage: ":explain m [method]",
    doc: "what a method would do with a model and its data",
  },
  methods: { usage: ":methods [m]", doc: "all methods, or which of them take a model" },
  ir: {
    usage: ":ir m [stage]",
    doc: "what a model becomes: model, graph, grad, kernel or wat",
  },
  list: { usage: ":list", doc: "everything that is defined" },
  load: { usage: ":load FILE", doc: "declarations of a .ppl file, or a saved session" },
  data: { usage: ":data FILE…", doc: "values from JSON or CSV" },
  save: {
    usage: ":save FILE",
    doc: "the session's definitions, for `:load` or `tilde repl < FILE`",
  },
  seed: { usage: ":seed N", doc: "seed of draws from here on (1 at first)" },
  history: { usage: ":history [N]", doc: "what was entered" },
  reset: { usage: ":reset", doc: "forget everything" },
  quit: { usage: ":quit", doc: "leave, as Ctrl-D does" },
} as const satisfies Readonly<Record<string, CommandWords>>;
export type CommandName = keyof typeof commands;
export const commandNames = Object.keys(commands) as readonly CommandName[];

/** `target_accept` as the methods spell it: `targetAccept`. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
