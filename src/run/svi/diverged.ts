/** A run of learning whose objective stopped being finite, with the last state that was. */
import { type Diagnostic, diagnostic, TildeError } from "../../base/diagnostic.js";
import { renderDiagnostics } from "../../base/render.js";
import type { ParamTree } from "../results/fit.js";

/** What stopped being finite, and where. */
interface Cause {
  /** The step that failed, from 0. */
  readonly step: number;
  readonly value: number;
  readonly objective: string;
  /** The first param whose gradient was not finite. */
  readonly param?: string;
  /** The file that the last params were written to. */
  readonly saved?: string;
  /** `vi` has tried smaller steps by itself. */
  readonly method?: "vi";
}

export class DivergedError extends TildeError {
  override readonly name: string = "DivergedError";
  constructor(
    readonly why: Cause,
    /** The params before the step that failed; `init` takes them. */
    readonly params: ParamTree,
    rendered?: string,
  ) {
    super(found(why), rendered);
  }

  /** The same, saying that the params are in the file `path`. */
  savedAt(path: string): DivergedError {
    return new DivergedError({ ...this.why, saved: path }, this.params);
  }

  /** The same with a message as people read it. */
  rendered(): DivergedError {
    return new DivergedError(this.why, this.params, renderDiagnostics(this.diagnostics));
  }
}

function found(why: Cause): readonly Diagnostic[] {
  const { method, step, value: bound, param, saved } = why;
  if (method === undefined) return [diagnostic("learning_diverged", undefined, why)];
  return [diagnostic("ascent_diverged", undefined, { method, step, bound, param, saved })];
}
