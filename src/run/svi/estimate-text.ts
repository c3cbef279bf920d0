/** `marginal(ring, keep: [x, y], particles: 5)`, given at a run where a guide or model is named. */
import { fail, TildeError } from "../../base/diagnostic.js";
import type { EstimateBinding } from "../../inference/objective/index.js";
import { type EstimateKind, estimateKinds } from "../../model/objective.js";
import type * as ast from "../../syntax/ast.js";
import { parseSource } from "../../syntax/parse.js";

/** What the text says, programs by their names. */
export interface EstimateText extends Omit<EstimateBinding, "proposal"> {
  readonly program: string;
  readonly proposal?: string;
}

/**
 * Reads such a text; undefined for the plain name of a program.
 * @throws TildeError where it is neither
 */
export function readEstimate(text: string): EstimateText | undefined {
  const kind = estimateKinds.find((k) => new RegExp(`^\\s*${k}\\s*\\(`, "u").test(text));
  if (kind === undefined) return undefined;
  // On a line of its own: that is what errors show.
  const parsed = parseSource({ path: "option", text: `objective f() { return (\n${text}\n) }` });
  const errors = parsed.diagnostics.filter((d) => d.severity === "error");
  if (errors.length > 0) throw new TildeError(errors);
  const [decl] = parsed.ast.decls;
  const last = decl?.kind === "objective" ? decl.body.statements.at(-1) : undefined;
  if (last?.kind !== "return" || last.value.kind !== "call") return refuse(kind, undefined);
  return fromCall(kind, last.value);
}

function refuse(kind: EstimateKind, span: ast.Expr["span"] | undefined): never {
  return fail("estimate_usage", span, { kind });
}

function fromCall(kind: EstimateKind, e: Extract<ast.Expr, { kind: "call" }>): EstimateText {
  const wrong = (): never => refuse(kind, e.span);
  const [first, ...rest] = e.args;
  if (first === undefined || first.name !== undefined || first.value.kind !== "name")
    return wrong();
  const named = new Map(rest.map((a) => [a.name?.text, a.value]));
  const known = kind === "marginal" ? ["keep", "proposal", "particles"] : ["proposal", "particles"];
  const isKnown = rest.every((a) => a.name !== undefined && known.includes(a.name.text));
  const count = named.get("particles");
  if (!isKnown || named.size !== rest.length || count === undefined) return wrong();
  if (count.kind !== "number" || !count.isInt) {
    return fail("estimate_particles_type", count.span, { kind, actual: "no whole number" });
  }
  const proposal = named.get("proposal");
  if (proposal !== undefined && proposal.kind !== "name") return wrong();
  return {
    ...{ kind, program: first.value.name, particles: count.value },
    ...(proposal !== undefined && { proposal: proposal.name }),
    ...keptOf(named.get("keep")),
  };
}

function keptOf(e: ast.Expr | undefined): Pick<EstimateText, "keep"> {
  if (e === undefined) return {};
  const names =
    e.kind === "array"
      ? e.items.flatMap((i) => (i.kind === "name" ? [{ name: i.name, span: i.span }] : []))
      : [];
  if (e.kind === "array" && e.items.length === 0) fail("estimate_keep_empty", e.span, {});
  if (e.kind !== "array" || names.length < e.items.length) {
    fail("estimate_keep", e.span, { text: "what is no list of names" });
  }
  return { keep: names };
}
