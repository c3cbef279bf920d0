/** What a session holds: values by name, declarations, the seed. */
import { type Diagnostic, TildeError } from "../../base/diagnostic.js";
import type { Source } from "../../base/span.js";
import { importName } from "../../elaborate/files.js";
import { type Elaborated, elaborate } from "../../elaborate/index.js";
import type { DataValue } from "../../model/data.js";
import type { Model } from "../../model/ir.js";
import type * as ast from "../../syntax/ast.js";
import { loadImport } from "../sources.js";
import type { Value } from "./values.js";

/** Values that names can stand for. */
export type NamedValue = Exclude<Value, { kind: "string" | "summary" | "plan" | "text" }>;

export class Workspace {
  readonly values = new Map<string, NamedValue>();
  readonly decls = new Map<string, ast.Decl>();
  /** By the name under which their functions are called. */
  readonly imports = new Map<string, ast.ImportDecl>();
  seed = 1;
  #drawn = 0;

  /** Numbers draws at the prompt, so that no two are the same. */
  nextDraw(): number {
    this.#drawn += 1;
    return this.#drawn;
  }

  /** From here on draws are those of this seed, from the first. */
  reseed(seed: number): void {
    this.seed = seed;
    this.#drawn = 0;
  }

  clear(): void {
    this.values.clear();
    this.decls.clear();
    this.imports.clear();
    this.reseed(1);
  }

  define(name: string, value: NamedValue): void {
    this.decls.delete(name);
    this.values.set(name, value);
  }

  /** Later declarations of a name take the place of earlier ones, and of values. */
  declare(imports: readonly ast.ImportDecl[], decls: readonly ast.Decl[]): void {
    for (const i of imports) this.imports.set(importName(i), i);
    for (const d of decls) {
      this.values.delete(d.name.text);
      this.decls.set(d.name.text, d);
    }
  }

  get models(): string[] {
    return [...this.decls.values()].flatMap((d) => (d.kind === "model" ? [d.name.text] : []));
  }

  /** Whether a name is a function or module of the user. */
  isFunction(name: string): boolean {
    const kind = this.decls.get(name)?.kind;
    return kind === "fn" || kind === "module" || kind === "objective";
  }

  /**
   * Everything that is declared, as one file.
   * @param source where it is said to stand: that of the entry at hand
   * @param more declarations in the place of those of the same name
   */
  file(
    source: Source,
    more: { imports?: readonly ast.ImportDecl[]; decls?: readonly ast.Decl[] } = {},
    keep: (d: ast.Decl) => boolean = () => true,
  ): ast.SourceFile {
    const { imports = [], decls = [] } = more;
    const newer = new Set(decls.map((d) => d.name.text));
    const named = new Set(imports.map(importName));
    return {
      kind: "file",
      span: { source, start: 0, end: source.text.length },
      imports: [
        ...[...this.imports].flatMap(([name, i]) => (named.has(name) ? [] : [i])),
        ...imports,
      ],
      decls: [
        ...[...this.decls.values()].filter((d) => keep(d) && !newer.has(d.name.text)),
        ...decls,
      ],
    };
  }

  /** Elaborates a file of the session. */
  check(file: ast.SourceFile): Elaborated {
    return elaborate(file, { loadImport });
  }

  /**
   * A declared model.
   * @throws TildeError where it has errors
   */
  model(name: string): Model {
    return this.elaborated(name).model;
  }

  /**
   * A declared model with the guides and objectives of the session.
   * @throws TildeError where the model has errors
   */
  elaborated(name: string): { readonly model: Model; readonly declared: Elaborated } {
    const decl = this.decls.get(name);
    const source = decl?.span.source ?? { path: "<session>", text: "" };
    const declared = this.check(this.file(source));
    const model = declared.models.get(name);
    if (model !== undefined) return { model, declared };
    // What is wrong with this model, and with what it may call.
    const isHere = (d: Diagnostic): boolean => d.span?.source === decl?.span.source;
    const errors = errorsOf(declared.diagnostics);
    const own = errors.filter(isHere);
    throw new TildeError(own.length > 0 ? own : errors);
  }

  /** Arrays by name: what models are given. */
  data(): Map<string, DataValue> {
    const out = new Map<string, DataValue>();
    for (const [name, v] of this.values) if (v.kind === "array") out.set(name, v.value);
    return out;
  }
}

export function errorsOf(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return diagnostics.filter((d) => d.severity === "error");
}
