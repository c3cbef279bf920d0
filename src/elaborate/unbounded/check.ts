/**
 * What a model with an unbounded plate must keep: labels are drawn by one statement and only index
 * the plate's variables, these are read by labels alone, and components do not see each other.
 */
import type { Binder, DistExpr, Expr, Model, Stmt, UnboundedPlate } from "../../model/ir.js";
import { childExprs, distExprs, freeVariables, walkStmts } from "../../model/traverse.js";
import { type Cx, quote } from "../context.js";

type SiteStmt = Extract<Stmt, { kind: "site" }>;

/** The plate of a body without other errors; reports what breaks its rules. */
export function checkUnbounded(cx: Cx, body: Model["body"]): UnboundedPlate | undefined {
  const known = cx.model.unbounded;
  if (known === undefined) return undefined;
  const plate = body.find((s) => s.kind === "for" && isPlate(s.binder, known.size));
  if (plate?.kind !== "for") return undefined;
  const variables = plateVariables(cx, plate.body);
  const before = cx.reporter.errorCount;
  const label = labelOf(cx, body);
  if (cx.reporter.errorCount > before) return undefined;
  const { span } = known.plate.variable;
  if (variables.length === 0) return cx.reporter.report("unbounded_empty", span, {});
  if (label === undefined) {
    return cx.reporter.report("unbounded_without_labels", span, { name: variables[0] });
  }
  const rules = new Rules(cx, plate.binder.name, new Set(variables), label);
  rules.body(body, undefined, new Map());
  if (!rules.isUsed) {
    const shown = quote(label.span).replace(/\s*~.*$/, "");
    cx.reporter.report("unbounded_unused", span, { name: variables[0], label: shown });
  }
  return { size: known.size, span, label: label.name, variables };
}

const isPlate = (b: Binder, size: string): boolean => b.to.kind === "var" && b.to.name === size;

/** The names that the plate defines; reports statements that cannot stand there. */
function plateVariables(cx: Cx, body: readonly Stmt[]): string[] {
  const names = new Set<string>();
  let sites = 0;
  walkStmts(body, (s) => {
    switch (s.kind) {
      case "site":
        sites++;
        names.add(s.name);
        return;
      case "let":
        names.add(s.name);
        return;
      case "observe":
      case "factor":
      case "param":
        cx.reporter.report("unbounded_statement", s.span, { what: `\`${s.kind}\`` });
        return;
      case "if":
        cx.reporter.report("unbounded_statement", s.span, { what: "an `if`" });
        return;
      case "local":
      case "for":
        return;
    }
  });
  return sites === 0 ? [] : [...names];
}

/** The one statement that draws labels. */
function labelOf(cx: Cx, body: readonly Stmt[]): SiteStmt | undefined {
  let found: SiteStmt | undefined;
  walkStmts(body, (s, loops) => {
    if (s.kind !== "site" || !isCrp(s.dist)) return;
    if (found !== undefined) {
      const first = quote(found.span);
      cx.reporter.report("labels_twice", s.span, { first }, [
        { span: found.span, text: "the first labels are drawn here" },
      ]);
      return;
    }
    found = s;
    const { alpha } = s.dist.args;
    const loop = loops.find((b) => freeVariables(alpha).has(b.name));
    if (loop !== undefined) {
      const reason = `changes with \`${loop.name.replace(/#\d+$/, "")}\``;
      cx.reporter.report("concentration_varies", alpha.span, { text: quote(alpha.span), reason });
    }
  });
  return found;
}

function isCrp(d: DistExpr): d is Extract<DistExpr, { kind: "named" }> {
  return d.kind === "named" && d.name === "CRP";
}

/** Local definitions in sight, by name. */
type Locals = ReadonlyMap<string, Expr>;

class Rules {
  /** Whether some statement reads the plate. */
  isUsed = false;
  constructor(
    readonly cx: Cx,
    readonly index: string,
    readonly plate: ReadonlySet<string>,
    readonly label: SiteStmt,
  ) {}

  /** @param inside the binder of the plate where the statements stand in it */
  body(body: readonly Stmt[], inside: string | undefined, outer: Locals): void {
    const locals = new Map(outer);
    for (const s of body) {
      this.#statement(s, inside, locals);
      if (s.kind === "local") locals.set(s.name, s.value);
    }
  }

  #statement(s: Stmt, inside: string | undefined, locals: Locals): void {
    const visit = (e: Expr): void => this.#expr(e, inside, locals);
    switch (s.kind) {
      case "site":
        s.indices.forEach(visit);
        if (s === this.label) distExprs(s.dist).forEach(visit);
        else this.#dist(s.dist, visit);
        return;
      case "observe":
        visit(s.value);
        this.#dist(s.dist, visit);
        return;
      case "let":
        s.indices.forEach(visit);
        visit(s.value);
        return;
      case "local":
        // A label under a short name is still a label.
        if (!this.#isLabel(s.value)) visit(s.value);
        return;
      case "factor":
        visit(s.value);
        return;
      case "param":
        if (s.init !== undefined) {
          if ("event" in s.init) this.#dist(s.init, visit);
          else visit(s.init);
        }
        return;
      case "for":
        visit(s.binder.from);
        visit(s.binder.to);
        this.body(s.body, s.binder.name === this.index ? this.index : inside, locals);
        return;
      case "if":
        visit(s.condition);
        this.body(s.then, inside, locals);
        this.body(s.else, inside, locals);
        return;
    }
  }

  #dist(d: DistExpr, visit: (e: Expr) => void): void {
    const misplaced = (x: DistExpr): void => {
      if (isCrp(x)) this.cx.reporter.report("labels_place", x.span, { dist: "CRP" });
      if (x.kind === "iid" || x.kind === "truncated") misplaced(x.base);
      if (x.kind === "mixture") x.components.forEach(misplaced);
    };
    misplaced(d);
    distExprs(d).forEach(visit);
  }

  #expr(e: Expr, inside: string | undefined, locals: Locals): void {
    const { reporter } = this.cx;
    const visit = (x: Expr): void => this.#expr(x, inside, locals);
    if (e.kind === "dist_method") {
      this.#dist(e.dist, visit);
      e.args.forEach(visit);
      return;
    }
    if (this.#isLabel(e)) {
      const text = quote(e.span);
      reporter.report("label_use", e.span, { text, example: this.#example() });
      return;
    }
    if (e.kind === "var" && this.plate.has(e.name)) {
      this.#plateRead(e, e.name, inside);
      return;
    }
    if (e.kind !== "index") {
      childExprs(e).forEach(visit);
      return;
    }
    const { target, indices } = e;
    const [first] = indices;
    const rest = indices.slice(1);
    const isOwn = target.kind === "var" && this.plate.has(target.name);
    const byLabel = first.kind === "at" && this.#isLabel(resolved(first.value, locals));
    if (isOwn && byLabel && inside === undefined) {
      this.isUsed = true;
      if (first.kind === "at" && first.value.kind === "index") {
        first.value.indices.forEach((i) => {
          if (i.kind === "at") visit(i.value);
        });
      }
    } else if (isOwn) {
      const at = first.kind === "at" ? first.value : undefined;
      const isSame = inside !== undefined && at?.kind === "var" && at.name === inside;
      if (!isSame) this.#plateRead(e, target.name, inside);
    } else {
      visit(target);
      for (const i of indices) {
        if (i.kind !== "at" || !this.#isLabel(resolved(i.value, locals))) continue;
        const text = quote(i.value.span);
        const name = quote(target.span);
        reporter.report("label_index", e.span, { text, name, example: this.#example() });
        return;
      }
    }
    for (const i of isOwn ? rest : indices) {
      if (i.kind === "at") visit(i.value);
      else for (const x of [i.from, i.to]) if (x !== undefined) visit(x);
    }
  }

  #plateRead(e: Expr, name: string, inside: string | undefined): void {
    const text = quote(e.span);
    if (inside !== undefined) {
      const variable = inside.replace(/#\d+$/, "");
      this.cx.reporter.report("component_reads", e.span, { text, name, variable });
      return;
    }
    const label = quote(this.label.span).replace(/\s*~.*$/, "");
    this.cx.reporter.report("unbounded_read", e.span, { text, name, label });
  }

  /** A label, `z[i]`, or `z` where there is one only, or all of them. */
  #isLabel(e: Expr): boolean {
    const target = e.kind === "index" ? e.target : e;
    return target.kind === "var" && target.name === this.label.name;
  }
  #example(): string {
    return [...this.plate][0];
  }
}

/** What a local definition stands for. */
function resolved(e: Expr, locals: Locals): Expr {
  const value = e.kind === "var" && e.role === "local" ? locals.get(e.name) : undefined;
  return value === undefined ? e : resolved(value, locals);
}
