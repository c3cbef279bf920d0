/**
 * Text under construction: nested blocks of lines, each with the values that were bound in it. A
 * value goes to the outermost block in which what it depends on is known, but not out of a branch.
 */
interface Scope {
  readonly lines: string[];
  readonly bound: Map<string, Bound>;
  readonly isBranch: boolean;
}

/** A name and the block that defines it. */
export interface Bound {
  readonly text: string;
  readonly depth: number;
}

export class Scopes {
  readonly #scopes: Scope[] = [{ lines: [], bound: new Map(), isBranch: false }];
  #names = 0;

  /** The block at hand: 0 outside of all. */
  get depth(): number {
    return this.#scopes.length - 1;
  }

  name(hint: string): string {
    return `${hint}_${this.#names++}`;
  }

  /** Appends a line to the block at hand. */
  line(text: string): void {
    this.#scopes[this.depth].lines.push(text);
  }

  /** What was bound under a key in the block at hand or around it. */
  find(key: string): Bound | undefined {
    for (let d = this.depth; d >= 0; d--) {
      const found = this.#scopes[d].bound.get(key);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Where a value that depends on blocks up to `depth` is to be written. */
  place(depth: number): number {
    for (let d = this.depth; d > depth; d--) if (this.#scopes[d].isBranch) return d;
    return depth;
  }

  /** Binds a value, under a key if given. `lines` come before it. */
  bind(text: string, depth: number, key?: string): Bound {
    const at = this.place(depth);
    const bound = { text: this.name("v"), depth: at };
    this.#scopes[at].lines.push(`let ${bound.text} = ${text};`);
    if (key !== undefined) this.#scopes[at].bound.set(key, bound);
    return bound;
  }

  /** Remembers a value that has a name already. */
  remember(key: string, bound: Bound): void {
    this.#scopes[this.depth].bound.set(key, bound);
  }

  /** Writes an inner block and gives its lines. */
  within(isBranch: boolean, body: () => void): string {
    this.#scopes.push({ lines: [], bound: new Map(), isBranch });
    body();
    const scope = this.#scopes.pop() as Scope;
    return scope.lines.join("\n");
  }

  /** The lines of the outermost block. */
  text(): string {
    return this.#scopes[0].lines.join("\n");
  }
}
