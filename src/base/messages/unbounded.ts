/** Diagnostic texts of unbounded plates, cluster labels and the processes behind them. */
import { error } from "./entry.js";

const labelsExample = "`z[i] ~ CRP(alpha)` and then `mu[z[i]]`";

const plates = {
  unbounded_start: error((p: { text: string }) => ({
    message: `an unbounded plate starts at 0, not at \`${p.text}\``,
    help: "write `for k in 0.. { … }`",
  })),
  unbounded_twice: error((_: Record<never, never>) => ({
    message: "a model has one unbounded plate, and this is a second one",
    help: "put these statements into the first plate: its sites share the labels",
  })),
  unbounded_nested: error((p: { what: string }) => ({
    message: `an unbounded plate cannot stand inside ${p.what}`,
    help: "move it to the top level of the model",
  })),
  unbounded_statement: error((p: { what: string }) => ({
    message: `${p.what} cannot stand in an unbounded plate`,
    help: "the plate holds the components' own sites and definitions; the data read them through labels",
  })),
  unbounded_empty: error((_: Record<never, never>) => ({
    message: "this unbounded plate has no site",
    help: "draw the components' parameters in it: `mu[k] ~ Normal(0, 10)`",
  })),
  unbounded_without_labels: error((p: { name: string }) => ({
    message: `nothing says how many elements \`${p.name}\` has: no labels point into this plate`,
    help: `draw labels, ${labelsExample}`,
  })),
  unbounded_unused: error((p: { name: string; label: string }) => ({
    message: `no statement reads \`${p.name}[${p.label}]\`: the labels have no part in the data`,
    help: `use the component's parameters: \`x[i] ~ Normal(${p.name}[${p.label}], 1)\``,
  })),
  unbounded_read: error((p: { text: string; name: string; label: string | undefined }) => ({
    message: `${p.text === p.name ? "this" : `\`${p.text}\``} reads elements of \`${p.name}\`, of which there are as many as the data need`,
    help:
      p.label === undefined
        ? `read single elements by a label, ${labelsExample}`
        : `read single elements by their label: \`${p.name}[${p.label}]\``,
  })),
  component_reads: error((p: { text: string; name: string; variable: string }) => ({
    message: `\`${p.text}\` reads another component: those of an unbounded plate are independent`,
    help: `a statement of the plate may read \`${p.name}[${p.variable}]\``,
  })),
};

const labels = {
  labels_without_plate: error((_: Record<never, never>) => ({
    message: "the labels of `CRP` point into an unbounded plate, and the model has none",
    help: "add one: `for k in 0.. { mu[k] ~ Normal(0, 10) }`",
  })),
  labels_twice: error((p: { first: string }) => ({
    message: `the plate has labels already: \`${p.first}\``,
    help: "one statement draws all labels; let several statements read them",
  })),
  labels_place: error((p: { dist: string }) => ({
    message: `\`${p.dist}\` only stands right of \`~\` in a statement of its own`,
    help:
      p.dist === "CRP"
        ? "write `for i in 0..N { z[i] ~ CRP(alpha) }`"
        : p.dist === "StickBreaking"
          ? "write `w ~ StickBreaking(alpha)` at the top level, then `z[i] ~ Categorical(w)`"
          : "write `G ~ DirichletProcess(alpha, base)` at the top level, then `theta[i] ~ G`",
  })),
  label_use: error((p: { text: string; example: string }) => ({
    message: `\`${p.text}\` is a cluster label: it has no order and no size to compute with`,
    help: `use it as the first index into the unbounded plate: \`${p.example}[${p.text}]\``,
  })),
  label_index: error((p: { text: string; name: string; example: string }) => ({
    message: `\`${p.text}\` looks a cluster label up in \`${p.name}\`, which has no element for each cluster`,
    help: `define \`${p.name}\` in the unbounded plate, as \`${p.example}\` is`,
  })),
  concentration_varies: error((p: { text: string; reason: string }) => ({
    message: `the concentration \`${p.text}\` ${p.reason}`,
    help: "all labels of a plate have one concentration: a number, an input or a site",
  })),
  process_arguments: error((p: { dist: string; usage: string }) => ({
    message: `\`${p.dist}\` cannot take these arguments`,
    help: `write \`${p.usage}\``,
  })),
  process_target: error((p: { text: string; dist: string }) => ({
    message: `\`${p.text}\` cannot be a draw of \`${p.dist}\``,
    help: "draw one at the top level, without index and without a declared type",
  })),
  process_use: error((p: { name: string; dist: string }) => ({
    message: `\`${p.name}\` is a draw of \`${p.dist}\` and has no other use than to be drawn from`,
    help:
      p.dist === "StickBreaking"
        ? `draw labels from it: \`z[i] ~ Categorical(${p.name})\``
        : `draw from it: \`theta[i] ~ ${p.name}\``,
  })),
  process_draws: error((p: { name: string; dist: string }) => ({
    message: `no statement draws from \`${p.name}\``,
    help:
      p.dist === "StickBreaking"
        ? `draw labels from it: \`z[i] ~ Categorical(${p.name})\``
        : `draw from it: \`theta[i] ~ ${p.name}\``,
  })),
};

const runs = {
  data_unbounded: error((p: { name: string; isLabel: boolean }) => ({
    message: p.isLabel
      ? `the data give \`${p.name}\`, but cluster labels are always latent`
      : `the data give \`${p.name}\`, but the parameters of an unbounded plate are always latent`,
    help: p.isLabel
      ? "with known labels there is nothing to cluster: make them an input `z: category(K)[N]`"
      : "leave it out, or make it an array of known size",
  })),
  unbounded_method: error((p: { name: string; method: string }) => ({
    message: `${p.method} needs a fixed number of parameters, and the labels \`${p.name}\` point into an unbounded plate`,
    help: "use gibbs, or cavi, which truncates the plate; or a mixture of K components",
  })),
  unbounded_draws: error((p: { name: string }) => ({
    message: `\`${p.name}\` has another number of elements in every draw, so that its draws fill no table`,
    help: `leave it out, and name sites or definitions that read it, such as \`let m[i] = ${p.name}[z[i]]\``,
  })),
  process_unsupported: error((p: { name: string; method: string; reason: string }) => ({
    message: `${p.method} cannot sample the components of \`${p.name}\`: ${p.reason}`,
    help: "rewrite that part of the model, or use a mixture of K components",
  })),
};

export const unboundedMessages = { ...plates, ...labels, ...runs } as const;
