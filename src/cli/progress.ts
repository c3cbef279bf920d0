/** A progress bar per chain on a terminal, with divergences and the time that is left. */
import type { SessionProgress } from "../run/session.js";

/** Runs shorter than this show no bars at all. */
const QUIET_MS = 250;
/** Bars are drawn at most this often. */
const REFRESH_MS = 80;
const WIDTH = 24;

export interface ProgressView {
  readonly update: (progress: SessionProgress) => void;
  readonly close: () => void;
}

/** Bars on stderr where it is a terminal; nothing otherwise. */
export function progressView(chains: number, warmup: number, draws: number): ProgressView {
  const silent: ProgressView = { update: () => {}, close: () => {} };
  if (!process.stderr.isTTY) return silent;
  const start = performance.now();
  const latest = new Map<number, SessionProgress>();
  let last = 0;
  let writer: ((text: string) => void) | undefined;
  let clear: (() => void) | undefined;
  let loading = false;
  let closed = false;
  const draw = (): void => {
    const lines: string[] = [];
    const elapsed = (performance.now() - start) / 1000;
    for (let c = 0; c < chains; c++)
      lines.push(chainLine(c, latest.get(c), warmup, draws, elapsed));
    writer?.(lines.join("\n"));
  };
  return {
    update: (progress) => {
      latest.set(progress.chain, progress);
      const now = performance.now();
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

function chainLine(
  chain: number,
  p: SessionProgress | undefined,
  warmup: number,
  draws: number,
  elapsed: number,
): string {
  const total = warmup + draws;
  const done = p === undefined ? 0 : p.phase === "warmup" ? p.done : warmup + p.done;
  const filled = Math.round((done / Math.max(1, total)) * WIDTH);
  const bar = "█".repeat(filled) + "░".repeat(WIDTH - filled);
  if (p === undefined) return `chain ${chain + 1}  ${bar}  waiting`;
  const left = done > 0 ? (elapsed * (total - done)) / done : Number.NaN;
  const eta = done >= total ? "done" : `${clock(left)} left`;
  const divergent =
    p.phase === "sampling" && p.divergences > 0 ? `  ${p.divergences} divergent` : "";
  return `chain ${chain + 1}  ${bar}  ${p.phase} ${done}/${total}  ${eta}${divergent}`;
}

function clock(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
