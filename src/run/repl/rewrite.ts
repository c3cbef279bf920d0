/** Trees rebuilt with parts replaced: how names of the session enter an expression. */
import type * as ast from "../../syntax/ast.js";

/** Loops around a place, outermost first; lambdas bind without a range. */
export interface Bound {
  readonly name: string;
  readonly binder?: ast.Binder;
}
/** What stands in the place of `e`, or undefined to look into it. */
export type Replace = (e: ast.Expr, bound: readonly Bound[]) => Promise<ast.Expr | undefined>;

type Binders = readonly ast.Binder[];

/** `e` with every outermost part that `replace` knows replaced. */
export async function rewriteExpr(
  e: ast.Expr,
  bound: readonly Bound[],
  replace: Replace,
): Promise<ast.Expr> {
  const found = await replace(e, bound);
  if (found !== undefined) return found;
  const inner = (x: ast.Expr, more: readonly Bound[] = []): Promise<ast.Expr> =>
    rewriteExpr(x, more.length === 0 ? bound : [...bound, ...more], replace);
  switch (e.kind) {
    case "number":
    case "bool":
    case "string":
    case "name":
      return e;
    case "array":
      return { ...e, items: await inOrder(e.items, (x) => inner(x)) };
    case "unary":
      return { ...e, operand: await inner(e.operand) };
    case "binary":
      return { ...e, left: await inner(e.left), right: await inner(e.right) };
    case "if": {
      const condition = await inner(e.condition);
      // biome-ignore lint/suspicious/noThenProperty: the branch's name in the tree
      return { ...e, condition, then: await inner(e.then), else: await inner(e.else) };
    }
    case "call": {
      // A plain callee is a function's name, not a value's.
      const callee = e.callee.kind === "name" ? e.callee : await inner(e.callee);
      const args = await inOrder(e.args, async (a) => ({ ...a, value: await inner(a.value) }));
      return { ...e, callee, args };
    }
    case "index":
      return {
        ...e,
        target: await inner(e.target),
        indices: await inOrder(e.indices, (i) => rewriteIndex(i, inner)),
      };
    case "member":
      return { ...e, target: await inner(e.target) };
    case "lambda":
      return {
        ...e,
        body: await inner(
          e.body,
          e.params.map((p) => ({ name: p.text })),
        ),
      };
    case "comprehension":
    case "reduce": {
      const { binders, names } = await rewriteBinders(e.binders, inner);
      return { ...e, binders, body: await inner(e.body, names) };
    }
  }
}

type Inner = (x: ast.Expr, more?: readonly Bound[]) => Promise<ast.Expr>;

async function rewriteIndex(i: ast.Index, inner: Inner): Promise<ast.Index> {
  if (i.kind === "at") return { ...i, value: await inner(i.value) };
  const from = i.from === undefined ? {} : { from: await inner(i.from) };
  return { ...i, ...from, ...(i.to === undefined ? {} : { to: await inner(i.to) }) };
}

/** Each binder sees those before it. */
async function rewriteBinders(
  binders: Binders,
  inner: Inner,
): Promise<{ readonly binders: ast.Binder[]; readonly names: Bound[] }> {
  const out: ast.Binder[] = [];
  const names: Bound[] = [];
  for (const b of binders) {
    const binder = { ...b, from: await inner(b.from, names), to: await inner(b.to, names) };
    out.push(binder);
    names.push({ name: b.variable.text, binder });
  }
  return { binders: out, names };
}

/** A statement with the expressions in it rewritten; what it defines is bound throughout. */
export async function rewriteStmt(
  stmt: ast.Stmt,
  bound: readonly Bound[],
  replace: Replace,
): Promise<ast.Stmt> {
  const expr = (x: ast.Expr, more: readonly Bound[] = []): Promise<ast.Expr> =>
    rewriteExpr(x, [...bound, ...more], replace);
  const target = async (t: ast.Target): Promise<ast.Target> => ({
    ...t,
    indices: await inOrder(t.indices, (x) => expr(x)),
  });
  const type = async (t: ast.TypeExpr | undefined): Promise<{ type?: ast.TypeExpr }> =>
    t === undefined
      ? {}
      : {
          type: {
            ...t,
            args: await inOrder(t.args, (x) => expr(x)),
            sizes: await inOrder(t.sizes, (x) => expr(x)),
          },
        };
  const block = async (b: ast.Block, more: readonly Bound[] = []): Promise<ast.Block> => ({
    ...b,
    statements: await inOrder(b.statements, (s) => rewriteStmt(s, [...bound, ...more], replace)),
  });
  switch (stmt.kind) {
    case "sample":
      return {
        ...stmt,
        ...(await type(stmt.type)),
        target: await target(stmt.target),
        dist: await expr(stmt.dist),
      };
    case "let":
      return {
        ...stmt,
        ...(await type(stmt.type)),
        target: await target(stmt.target),
        value: await expr(stmt.value),
      };
    case "for": {
      const from = await expr(stmt.from);
      const to = stmt.to === undefined ? {} : { to: await expr(stmt.to) };
      const body = await block(stmt.body, [{ name: stmt.variable.text }]);
      return { ...stmt, from, ...to, body };
    }
    case "if": {
      const condition = await expr(stmt.condition);
      const rest = stmt.else === undefined ? {} : { else: await block(stmt.else) };
      // biome-ignore lint/suspicious/noThenProperty: the branch's name in the tree
      return { ...stmt, condition, then: await block(stmt.then), ...rest };
    }
    // The session answers these before it comes here.
    case "observe":
    case "param":
    case "factor":
    case "return":
      return stmt;
  }
}

/** Names that a statement defines, loops and branches included. */
export function definedNames(stmt: ast.Stmt): ast.Name[] {
  switch (stmt.kind) {
    case "sample":
    case "let":
    case "param":
      return [stmt.target.name];
    case "for":
      return stmt.body.statements.flatMap(definedNames);
    case "if":
      return [...stmt.then.statements, ...(stmt.else?.statements ?? [])].flatMap(definedNames);
    default:
      return [];
  }
}

/** One after another: what is evaluated on the way may draw random numbers. */
async function inOrder<A, B>(list: readonly A[], f: (x: A) => Promise<B>): Promise<B[]> {
  const out: B[] = [];
  for (const x of list) out.push(await f(x));
  return out;
}
