/** Rewriting of text before names are looked at. */
import type * as ast from "../syntax/ast.js";

/** The block with each statement that is no `for` or `if` replaced by what `rule` makes of it. */
export function rewriteStatements(
  b: ast.Block,
  rule: (s: Exclude<ast.Stmt, ast.ForStmt | ast.IfStmt>) => readonly ast.Stmt[],
): ast.Block {
  const each = (s: ast.Stmt): readonly ast.Stmt[] => {
    if (s.kind === "for") return [{ ...s, body: rewriteStatements(s.body, rule) }];
    if (s.kind !== "if") return rule(s);
    // biome-ignore lint/suspicious/noThenProperty: the branch's name in the AST, never awaited
    const made = { ...s, then: rewriteStatements(s.then, rule) };
    if (s.else === undefined) return [made];
    return [{ ...made, else: rewriteStatements(s.else, rule) }];
  };
  return { ...b, statements: b.statements.flatMap(each) };
}
