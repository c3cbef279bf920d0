/** NumPyro and JAX on the same card in the same run, where a Python has them: `peers.py`. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Line } from "./programs.js";

/** Names the Python that has jax and numpyro; without it `python3`. */
export const PYTHON_VARIABLE = "TILDE_PEERS_PYTHON";

/** What Python is to do for a line. */
export interface PeerJob {
  readonly kind: "logistic" | "vae" | "schools" | "regression" | "mixture" | "process";
  readonly [size: string]: number | string;
}

export type PeerLine =
  | { readonly name: string; readonly microseconds: number; readonly firstMilliseconds: number }
  | { readonly name: string; readonly failed: string };

/** Their figures by name of the line, or why there are none. */
export type Peers =
  | {
      readonly kind: "found";
      readonly jax: string;
      readonly numpyro: string;
      readonly device: string;
      readonly lines: readonly PeerLine[];
    }
  | { readonly kind: "absent"; readonly reason: string };

/** The script lies with the sources, wherever this file was compiled to. */
function scriptPath(): string | undefined {
  for (const up of ["./peers.py", "../../../scripts/bench-gpu/peers.py"]) {
    const path = fileURLToPath(new URL(up, import.meta.url));
    if (existsSync(path)) return path;
  }
  return undefined;
}

/** Measures every line that has a job. Call it when no device of this process is open. */
export function measurePeers(lines: readonly Line[], seconds: number): Peers {
  const python = process.env[PYTHON_VARIABLE] ?? "python3";
  const absent = (reason: string): Peers => ({ kind: "absent", reason });
  const script = scriptPath();
  if (script === undefined) return absent("peers.py is not beside the benchmarks");
  const probe = spawnSync(python, ["-c", "import jax, numpyro"], { encoding: "utf8" });
  if (probe.error !== undefined) return absent(`${python}: ${probe.error.message}`);
  if (probe.status !== 0) return absent(`${python}: ${lastLine(probe.stderr)}`);
  const jobs = lines.flatMap(({ name, peer }) => (peer === undefined ? [] : [{ name, ...peer }]));
  const run = spawnSync(python, [script], {
    encoding: "utf8",
    input: JSON.stringify({ seconds, jobs }),
    stdio: ["pipe", "pipe", "inherit"],
    maxBuffer: 2 ** 26,
  });
  if (run.status !== 0) return absent(`${python} ended with ${run.status ?? run.signal}`);
  return {
    kind: "found",
    ...(JSON.parse(run.stdout) as Omit<Extract<Peers, { kind: "found" }>, "kind">),
  };
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "no reason given";
}
