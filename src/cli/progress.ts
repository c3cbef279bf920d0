/** A progress bar per chain on a terminal, with divergences and the time that is left. */
import type { SessionProgress } from "../run/session.js";

/** Runs shorter than this show no bars at all. */
const QUIET_MS = 250;
/** Bars are drawn at most this often. */
const REFRESH_MS = 80;
const WIDTH = 24;
/** Of more chains than this only those at work are shown, under a bar for all of them. */
const MAX_BARS = 12;

export interface ProgressView {
  readonly update: (progress: SessionProgress) => void;
  readonly close: () => void;
}

/** What a run is to do. */
export interface Plan {
  readonly chains: number;
  /** Of each chain, as the kept draws. */
  readonly warmup: number;
  readonly draws: number;
  /** Iterations for each kept draw. */
  readonly thin: number;
}

/** Bars on stderr where it is a terminal; nothing otherwise. */
export function progressView(plan: Plan): ProgressView {
  if (!process.stderr.isTTY) return { update: () => {}, close: () => {} };
  const start = performance.now();
  const bars = new ProgressBars(plan);
  let last = 0;
  let writer: ((text: string) => void) | undefined;
  let clear: (() => void) | undefined;
  let loading = false;
  let closed = false;
  const draw = (): void => writer?.(bars.render(performance.now()));
  return {
    update: (progress) => {
      const now = performance.now();
      bars.update(progress, now);
      if (now - start < QUIET_MS || now - last < REFRESH_MS) return;
      last = now;
      if (writer !== undefined) draw();
      else if (!loading) {
        loading = true;
        // Only runs that last load the terminal library.
        void import("log-update").then(({ createLogUpdate }) => {
          if (closed) return;
          const log = createLogUpdate(process.stderr);
          writer = log;
          clear = () => log.clear();
          draw();
        });
      }
    },
    close: () => {
      closed = true;
      clear?.();
    },
  };
}

/** Where every chain stands, as text. Times are in milliseconds of any one clock. */
export class ProgressBars {
  readonly #latest = new Map<number, SessionProgress>();
  /** A chain may begin long after the run does, where there are fewer threads than chains. */
  readonly #began = new Map<number, { readonly at: number; readonly done: number }>();

  constructor(readonly plan: Plan) {}

  update(progress: SessionProgress, now: number): void {
    const { chain } = progress;
    this.#latest.set(chain, progress);
    if (!this.#began.has(chain)) this.#began.set(chain, { at: now, done: this.#done(chain) });
  }

  render(now: number): string {
    const all = Array.from({ length: this.plan.chains }, (_, chain) => chain);
    if (all.length <= MAX_BARS) return all.map((c) => this.#chainLine(c, now)).join("\n");
    const running = all.filter((c) => this.#began.has(c) && this.#done(c) < this.#total);
    const lines = running.slice(0, MAX_BARS).map((c) => this.#chainLine(c, now));
    return [this.#overallLine(), ...lines].join("\n");
  }

  get #total(): number {
    return this.plan.warmup + this.plan.draws * this.plan.thin;
  }

  /** Iterations of the chain, of both phases. */
  #done(chain: number): number {
    const p = this.#latest.get(chain);
    if (p === undefined) return 0;
    return p.phase === "warmup" ? p.done : this.plan.warmup + p.done * this.plan.thin;
  }

  #chainLine(chain: number, now: number): string {
    const p = this.#latest.get(chain);
    const done = this.#done(chain);
    const head = `chain ${chain + 1}`.padEnd(`chain ${this.plan.chains}`.length);
    const line = `${head}  ${bar(done / Math.max(1, this.#total))}`;
    if (p === undefined) return `${line}  waiting`;
    const divergent =
      p.phase === "sampling" && p.divergences > 0 ? `  ${p.divergences} divergent` : "";
    const place = `${p.phase} ${done}/${this.#total}`;
    return `${line}  ${place}  ${this.#left(chain, now)}${divergent}`;
  }

  #left(chain: number, now: number): string {
    const done = this.#done(chain);
    if (done >= this.#total) return "done";
    const began = this.#began.get(chain);
    if (began === undefined || done <= began.done) return "? left";
    const each = (now - began.at) / (done - began.done);
    return `${clock((each * (this.#total - done)) / 1000)} left`;
  }

  #overallLine(): string {
    const { chains } = this.plan;
    let done = 0;
    let finished = 0;
    let divergences = 0;
    for (const [chain, progress] of this.#latest) {
      done += this.#done(chain);
      if (this.#done(chain) >= this.#total) finished += 1;
      if (progress.phase === "sampling") divergences += progress.divergences;
    }
    const divergent = divergences > 0 ? `  ${divergences} divergent` : "";
    const line = bar(done / Math.max(1, chains * this.#total));
    return `${chains} chains  ${line}  ${finished} done${divergent}`;
  }
}

function bar(share: number): string {
  const filled = Math.round(Math.min(1, share) * WIDTH);
  return "█".repeat(filled) + "░".repeat(WIDTH - filled);
}

/** A duration in the two largest units that it has. */
export function clock(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.ceil(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
