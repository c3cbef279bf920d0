/** Diagnostic texts of the interactive session (`tilde repl`). */
import { didYouMean, error, warning } from "./entry.js";

const listed = (names: readonly string[]): string => names.map((n) => `\`${n}\``).join(", ");

export const replMessages = {
  session_command: error((p: { name: string; near: readonly string[] }) => ({
    message: `there is no command \`:${p.name}\``,
    help: didYouMean(p.near.map((n) => `:${n}`)) ?? "`:help` lists the commands",
  })),
  session_usage: error((p: { usage: string; what: string }) => ({
    message: p.what,
    help: `write \`${p.usage}\``,
  })),
  session_statement: error((p: { what: string }) => ({
    message: `${p.what} has no meaning outside a model`,
    help: "write it inside `model NAME() { … }`; at the prompt `x ~ D` draws a value and `x = e` defines one",
  })),
  session_kind: error((p: { text: string; what: string; wanted: string }) => ({
    message: `\`${p.text}\` is ${p.what}, but ${p.wanted} is wanted here`,
    help:
      p.what === "a fit"
        ? `read its draws by name, such as \`${p.text}.mu\``
        : "`:type e` tells what an expression is",
  })),
  session_member: error(
    (p: { text: string; what: string; name: string; near: readonly string[]; known: string }) => ({
      message: `\`${p.text}\` is ${p.what} and has no \`${p.name}\``,
      help: didYouMean(p.near) ?? `it has ${p.known}`,
    }),
  ),
  session_argument: error(
    (p: { fn: string; name: string; near: readonly string[]; known: readonly string[] }) => ({
      message: `\`${p.fn}\` takes no \`${p.name}\``,
      help:
        didYouMean(p.near) ??
        (p.known.length > 0 ? `it takes ${listed(p.known)}` : "it takes no named arguments"),
    }),
  ),
  session_values: error((p: { text: string; wanted: string }) => ({
    message: `\`${p.text}\` must be ${p.wanted}`,
    help: "`:doc NAME` tells what a function takes, and `:help` the commands",
  })),
  session_ragged: error((p: { text: string }) => ({
    message: `the shape of \`${p.text}\` changes from draw to draw`,
    help: "take a summary of the draws first, such as `mean(…)`",
  })),
  session_loop_draws: error((p: { text: string; name: string }) => ({
    message: `\`${p.text}\` summarises draws over a range that depends on \`${p.name}\``,
    help: "let the ranges of the loop be rectangular, or summarise the whole array and index it",
  })),
  session_no_draws: error((p: { model: string }) => ({
    message: `inference of \`${p.model}\` was stopped before its first draw: there is nothing to keep`,
    help: "let it run longer, or ask for a shorter `warmup`",
  })),
  session_stopped: error((p: { what: string }) => ({
    message: `${p.what} was stopped`,
    help: "the session is as it was before",
  })),
  session_broken: warning((p: { name: string; by: string }) => ({
    message: `\`${p.name}\` no longer compiles, now that \`${p.by}\` is another`,
    help: `define \`${p.name}\` anew`,
  })),
} as const;
