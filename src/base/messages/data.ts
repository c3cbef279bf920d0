/** Diagnostic texts of data and of joining it with a model. */
import { didYouMean, error, warning } from "./entry.js";

/** Names that one sentence can hold; tables of data may have hundreds. */
const MOST_NAMES = 12;

const list = (names: readonly string[]): string => {
  if (names.length === 0) return "nothing";
  const quoted = names.map((n) => `\`${n}\``);
  const shown = quoted.length <= MOST_NAMES ? quoted.slice(0, -1) : quoted.slice(0, MOST_NAMES - 1);
  const rest = quoted.length - shown.length;
  const last = rest === 1 ? quoted[quoted.length - 1] : `${rest} more`;
  return shown.length === 0 ? last : `${shown.join(", ")} and ${last}`;
};

const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toPrecision(3)} GiB`;

export const dataMessages = {
  data_missing_input: error((p: { name: string; type: string; given: readonly string[] }) => ({
    message: `the data has no value for the input \`${p.name}: ${p.type}\``,
    help:
      p.given.length === 0
        ? `give it in a data file (--data FILE), or as { data: { ${p.name}: … } } in the API`
        : `add \`${p.name}\` to the data (it holds ${list(p.given)})`,
  })),
  data_unused: warning((p: { name: string; near: readonly string[] }) => ({
    message: `the data's \`${p.name}\` is neither an input nor a site of the model and is ignored`,
    help: didYouMean(p.near) ?? "remove it from the data if it is not needed",
  })),
  data_names_let: error((p: { name: string; role: string }) => ({
    message: `\`${p.name}\` is a ${p.role} of the model: only inputs and sites take values from data`,
    help: `rename it in the data, or draw it with \`${p.name} ~ …\` in the model`,
  })),
  data_wrong_rank: error((p: { name: string; expected: string; got: string }) => ({
    message: `the data's \`${p.name}\` is ${p.got} but the model wants ${p.expected}`,
    help: "give nested arrays of that depth: a number, a list, or a list of equally long rows",
  })),
  data_wrong_size: error(
    (p: { name: string; axis: number; expected: string; want: number; got: number }) => ({
      message: `the data's \`${p.name}\` has ${p.got} entries along axis ${p.axis} but the model wants ${p.expected}${
        p.expected === String(p.want) ? "" : ` = ${p.want}`
      }`,
      help: `check the length of \`${p.name}\`, or the sizes given with the data`,
    }),
  ),
  data_size_conflict: error(
    (p: {
      size: string;
      first: string;
      firstValue: number;
      second: string;
      secondValue: number;
    }) => ({
      message: `the size \`${p.size}\` is ${p.firstValue} by \`${p.first}\` but ${p.secondValue} by \`${p.second}\``,
      help: "make the two agree",
    }),
  ),
  data_size_unknown: error((p: { size: string }) => ({
    message: `the size \`${p.size}\` cannot be found from the data`,
    help: `add \`${p.size}\` to the data, or declare an input whose length is \`${p.size}\``,
  })),
  data_size_negative: error((p: { what: string; value: number }) => ({
    message: `the size ${p.what} is ${p.value}`,
    help: "a size must be a non-negative whole number; check the data it comes from",
  })),
  data_size_large: error((p: { what: string; value: number }) => ({
    message: `the size ${p.what} is ${p.value}`,
    help: "an array has at most 2147483647 elements along an axis; check the data it comes from",
  })),
  data_not_integer: error((p: { name: string; element: string; value: number }) => ({
    message: `${p.element} = ${p.value} is not a whole number, but \`${p.name}\` holds ints`,
    help: `round it, or make \`${p.name}\` real in the model`,
  })),
  data_not_bool: error((p: { name: string; element: string; value: number }) => ({
    message: `${p.element} = ${p.value} is not true or false, but \`${p.name}\` holds bools`,
    help: "use true and false (or 1 and 0)",
  })),
  data_outside_support: error(
    (p: { element: string; value: string; support: string; reason?: string }) => ({
      message: `${p.element} = ${p.value} is outside \`${p.support}\`${p.reason === undefined ? "" : `: ${p.reason}`}`,
      help: "correct the value, or widen the declared type in the model",
    }),
  ),
  data_missing_in_input: error((p: { name: string; element: string }) => ({
    message: `${p.element} is missing, but \`${p.name}\` is an input`,
    help: "only sites (drawn with `~`) can have missing entries, which are then imputed",
  })),
  data_missing_discrete: error((p: { name: string; element: string }) => ({
    message: `${p.element} is missing, and \`${p.name}\` is discrete with values without end, or drawn as a whole array`,
    help: "missing entries are summed out of sites of finitely many values, drawn element by element; drop or fill this one",
  })),
  data_missing_in_vector: error((p: { name: string; element: string; support: string }) => ({
    message: `${p.element} is missing, but one \`${p.support}\` value of \`${p.name}\` cannot be missing in part`,
    help: "give the whole value, or leave all of it out",
  })),
  data_parse: error((p: { path: string; reason: string }) => ({
    message: `cannot read \`${p.path}\`: ${p.reason}`,
    help: "data is JSON (an object of names to values) or a table with names: CSV, TSV, Parquet, Arrow",
  })),
  data_ragged: error((p: { name: string; at: string; got: string; expected: string }) => ({
    message: `the data's \`${p.name}\` is ragged: ${p.at} has ${p.got} where earlier rows have ${p.expected}`,
    help: "arrays are rectangular: give every row the same number of entries",
  })),
  data_not_number: error((p: { name: string; at: string; got: string }) => ({
    message: `the data's \`${p.name}\` holds ${p.got} at ${p.at}`,
    help: "values are numbers, true/false, null for missing, or nested arrays of these",
  })),
  index_out_of_range: error(
    (p: { what: string; index: number; size: number; axis: number; where?: string }) => ({
      message: `index ${p.index} is out of range for axis ${p.axis} of \`${p.what}\`, which has ${p.size} entries${
        p.where === undefined ? "" : ` (${p.where})`
      }`,
      help:
        p.size === 0
          ? "the array is empty"
          : `indices run from 0 to ${p.size - 1}; ${p.index === p.size ? "subtract 1 from data that counts from 1" : "check the range of the loop or the index data"}`,
    }),
  ),
  range_out_of_range: error((p: { what: string; from: number; to: number; size: number }) => ({
    message: `the range ${p.from}..${p.to} does not fit an axis of \`${p.what}\`, which has ${p.size} entries`,
    help: `ranges run from 0 to ${p.size} and do not go backwards`,
  })),
  element_undefined: error((p: { element: string }) => ({
    message: `${p.element} is never defined`,
    help: "let the loops that define it cover every index from 0",
  })),
  element_defined_twice: error((p: { element: string }) => ({
    message: `${p.element} is defined twice`,
    help: "let the ranges of the defining statements be disjoint",
  })),
  random_index: error((_: Record<string, never>) => ({
    message: "this index or range depends on a latent quantity",
    help: "with this method indices must be known from the data; sum out or observe the discrete site",
  })),
  dist_no_sample: error((p: { name: string }) => ({
    message: `the text does not say how \`${p.name}\` is drawn`,
    help: "add `sample = e`, with draws such as `Normal(0, 1).sample`, or `quantile(u) = e`",
  })),
  dist_method_missing: error((p: { method: string }) => ({
    message: `this distribution has no closed-form \`${p.method}\``,
    help: "use a distribution that has one, or write the formula out",
  })),
  random_condition: error((_: Record<string, never>) => ({
    message: "this `if` statement's condition depends on a random quantity",
    help: "conditions of statements are of inputs and loop indices; use `if c then a else b` in an expression",
  })),
  recurrence_unsupported: error((p: { name: string; reason: string }) => ({
    message: `the recurrence of \`${p.name}\` cannot be run as a scan: ${p.reason}`,
    help: "write the gradient out as a formula",
  })),
  definition_circular: error((p: { name: string }) => ({
    message: `the definition of \`${p.name}\` depends on itself`,
    help: "break the circle: a let may refer to its own earlier elements only",
  })),
  param_needs_prior: error((p: { name: string; method: string }) => ({
    message: `the param \`${p.name}\` has no prior, and ${p.method} samples from a posterior`,
    help: `draw it instead (\`${p.name} ~ …\`, or \`~ Flat()\`)`,
  })),
  unknown_model: error(
    (p: { name: string; known: readonly string[]; near: readonly string[] }) => ({
      message: `there is no model \`${p.name}\`; the file defines ${list(p.known)}`,
      help: didYouMean(p.near) ?? "choose one of these",
    }),
  ),
  several_models: error((p: { known: readonly string[] }) => ({
    message: `the file defines several models: ${list(p.known)}`,
    help: `say which one is meant: --model ${p.known[0]}, or { model: "${p.known[0]}" } in the API`,
  })),
  no_model: error((p: { path: string }) => ({
    message: `\`${p.path}\` defines no model`,
    help: "add one: `model name(inputs) { … }`",
  })),
  unknown_variable: error(
    (p: { name: string; known: readonly string[]; near: readonly string[] }) => ({
      message: `the model defines no \`${p.name}\``,
      help: didYouMean(p.near) ?? `it defines ${list(p.known)}`,
    }),
  ),
  bad_option: error((p: { option: string; value: string; wanted: string }) => ({
    message: `the option ${p.option} is ${p.value}`,
    help: `it must be ${p.wanted}`,
  })),
  unknown_option: error((p: { option: string; method: string; near: readonly string[] }) => ({
    message: `${p.method} has no option \`${p.option}\``,
    help: didYouMean(p.near) ?? "leave it out: options differ between methods",
  })),
  draws_too_large: error(
    (p: { chains: number; draws: number; width: number; bytes: number; available: number }) => ({
      message: `${p.chains} × ${p.draws} draws of ${p.width} numbers need ${gibibytes(p.bytes)}, and this machine has ${gibibytes(p.available)} of memory`,
      help: "run fewer draws, or keep only every n-th of them with the option `thin`",
    }),
  ),
  out_of_memory: error((_: Record<string, never>) => ({
    message: "the memory does not suffice for this run",
    help: "run fewer draws or chains, or fit a part of the data",
  })),
  data_too_deep: error((p: { name: string; most: number }) => ({
    message: `the data's \`${p.name}\` nests lists more than ${p.most} deep`,
    help: "arrays have one level of lists for each of their dimensions",
  })),
  no_latent_sites: error((p: { method: string }) => ({
    message: `every site of the model is observed, so there is nothing for ${p.method} to infer`,
    help: "leave the sites to be inferred out of the data",
  })),
  no_maximum: error((_: Record<string, never>) => ({
    message: "the point where the search ended is no maximum of the density",
    help: "the posterior may be improper or have a ridge; check for sites without a proper prior, or use nuts",
  })),
  file_unreadable: error((p: { path: string; reason: string }) => ({
    message: `cannot read \`${p.path}\`: ${p.reason}`,
    help: "check the path; relative paths begin at the folder where the command runs",
  })),
  file_unwritable: error((p: { path: string; reason: string }) => ({
    message: `cannot write to \`${p.path}\`: ${p.reason}`,
    help: "check the path and the permissions of its folder",
  })),
  size_mismatch_at_run: error((p: { left: string; right: string }) => ({
    message: `the shapes ${p.left} and ${p.right} do not agree`,
    help: "only scalars broadcast; check the sizes given with the data",
  })),
} as const;
