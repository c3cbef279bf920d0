/** Diagnostic texts of drawing from a model: prior and posterior predictive simulation. */
import { error, warning } from "./entry.js";

export const simulateMessages = {
  draw_parameter_outside: error(
    (p: { dist: string; param: string; value: string; domain: string }) => ({
      message: `cannot draw from ${p.dist}: its \`${p.param}\` is ${p.value}, which is outside \`${p.domain}\``,
      help: "give the quantities it is computed from supports or priors that keep it inside",
    }),
  ),
  improper_draw: error((_: Record<string, never>) => ({
    message: "Flat is improper: it has no prior to draw from",
    help: "give the site a proper prior, or pass its value",
  })),
  param_draw: error((p: { name: string }) => ({
    message: `the param \`${p.name}\` has no prior to draw from`,
    help: `pass a value of \`${p.name}\`, or draw it with \`${p.name} ~ …\``,
  })),
  draw_without_mass: error((p: { tries: number }) => ({
    message:
      p.tries === 0
        ? "cannot draw here: the distribution has no mass between these bounds"
        : `cannot draw here: none of ${p.tries} draws of the distribution fell inside the restriction`,
    help: "check the bounds, or use a distribution that lives on that support",
  })),
  event_partly_given: error((p: { element: string }) => ({
    message: `${p.element} is given in part, and its distribution is of the whole vector or matrix`,
    help: "give all of it or none of it",
  })),
  site_without_value: error((p: { element: string }) => ({
    message: `${p.element} has no value`,
    help: "give the whole array of every site and param that the data does not hold",
  })),
  simulation_ignores: warning((p: { what: string }) => ({
    message: `simulation ignores ${p.what}: draws follow the \`~\` statements alone`,
    help: "it takes part in inference only; put it into a distribution for simulation to follow it",
  })),
  simulation_given: warning((p: { name: string }) => ({
    message: `\`${p.name}\` is an input, so that its values are those of the data and none are drawn`,
    help: `take \`${p.name}\` out of the model's inputs: it is then a site, observed where the data gives it and drawn here`,
  })),
  sbc_observed: error((p: { sites: readonly string[] }) => ({
    message: "calibration needs to know which sites are data",
    help: `name them with \`observed\` (\`--observed\`), or give data for them; the sites are ${p.sites.join(", ")}`,
  })),
} as const;
