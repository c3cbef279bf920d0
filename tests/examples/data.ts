/** The data of the examples as the API takes it, and numbers of a summary by name. */
import { readFileSync } from "node:fs";
import {
  infer,
  load,
  type Method,
  nuts,
  type Posterior,
  type SummaryRow,
} from "../../src/index.js";

const root = new URL("../../examples/", import.meta.url);

/** `data.json` as it is; of `data.csv` every column as an array. */
export function exampleData(name: string, file = "data.json"): Record<string, unknown> {
  const text = readFileSync(new URL(`${name}/${file}`, root), "utf8");
  if (file.endsWith(".json")) return JSON.parse(text) as Record<string, unknown>;
  const [header, ...rows] = text
    .trim()
    .split("\n")
    .map((line) => line.split(","));
  return Object.fromEntries(header.map((h, k) => [h, rows.map((row) => Number(row[k]))]));
}

/** A column of numbers of an example's data. */
export function column(data: Record<string, unknown>, name: string): readonly number[] {
  return data[name] as readonly number[];
}

export interface Run {
  readonly data: Record<string, unknown>;
  readonly model?: string;
  readonly method?: Method;
}

/** Fits an example's model: four chains of 1000 draws after 1000 of warmup, in this thread. */
export async function runExample(name: string, run: Run): Promise<Posterior> {
  const program = await load(new URL(`${name}/model.ppl`, root).pathname, { model: run.model });
  if (program.warnings.length > 0) throw new Error(`${name} warns`);
  const method = run.method ?? nuts({ chains: 4, warmup: 1000, draws: 1000 });
  return infer(program, { data: run.data, method, seed: 20260101, threads: 1 });
}

/** Rows of summaries that have been made: one of many variables takes seconds. */
const summaries = new WeakMap<Posterior, ReadonlyMap<string, SummaryRow>>();

/** The row of one scalar. */
export function row(posterior: Posterior, name: string): Required<SummaryRow> {
  const rows =
    summaries.get(posterior) ?? new Map(posterior.summary().rows.map((r) => [r.name, r]));
  summaries.set(posterior, rows);
  const found = rows.get(name);
  if (found === undefined) throw new Error(`no row ${name}`);
  return found as Required<SummaryRow>;
}
