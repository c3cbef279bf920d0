/** The package as another program sees it: its types compile there, under strict settings. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scratchFolder } from "../helpers/cli.js";

const root = join(import.meta.dirname, "../..");

const consumer = `
import { compile, hmc, infer, laplace, load, map, nuts, ppl, prior, TildeError } from "tilde-ppl";
import type { Diagnostic, InferOptions, Method, Posterior, Summary, VariableDraws } from "tilde-ppl";

const model = compile("model m() { x ~ Normal(0, 1) }");
const other = ppl\`model m() { x ~ iid(Normal(0, 1), \${3}) }\`;
const options: InferOptions = {
  data: { y: Float64Array.of(1, 2), z: [[1, null], [true, 2]] },
  method: nuts({ chains: 4, warmup: 1000, draws: 1000, targetAccept: 0.9, metric: "dense" }),
  seed: 3,
  signal: new AbortController().signal,
  onProgress: ({ chain, phase, done, total }) => {
    const text: string = \`\${chain} \${phase} \${done / total}\`;
    void text;
  },
};
const methods: Method[] = [nuts(), hmc(), map(), laplace(), prior({ draws: 10 })];
// @ts-expect-error: no such option
nuts({ chain: 4 });
// @ts-expect-error: no such kind of metric
nuts({ metric: "round" });
// @ts-expect-error: options of a sampler belong into the method
infer(model, { chains: 4 });

export async function use(): Promise<number> {
  try {
    const posterior: Posterior = await infer(await load("model.ppl"), options);
    const draws: VariableDraws = posterior.draws("x");
    const data: Float64Array = draws.data;
    const shape: readonly number[] = draws.shape;
    const summary: Summary = posterior.summary();
    const rhat: number | undefined = summary.rows[0].rhat ?? posterior.diagnostics?.maxRhat;
    const again = posterior.predict({ N: 3 }).get("y")?.data;
    await posterior.save("out");
    return data.length + shape.length + (rhat ?? 0) + (again?.length ?? 0) + methods.length;
  } catch (error) {
    const found: readonly Diagnostic[] = error instanceof TildeError ? error.diagnostics : [];
    return found.length + other.name.length;
  }
}
`;

test("the published types serve a strict consumer", () => {
  expect(existsSync(join(root, "dist/src/index.d.ts")), "run `npm install` first").toBe(true);
  const { path, file } = scratchFolder();
  mkdirSync(join(path, "node_modules"));
  symlinkSync(root, join(path, "node_modules/tilde-ppl"), "junction");
  symlinkSync(join(root, "node_modules/@types"), join(path, "node_modules/@types"), "junction");
  file("consumer.ts", consumer);
  writeFileSync(join(path, "package.json"), '{ "type": "module" }');
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: "ES2022",
    module: "NodeNext",
    moduleResolution: "NodeNext",
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: false,
    // Declarations that this package ships are checked too, those of others are not.
    skipLibCheck: true,
    types: ["node"],
  };
  file("tsconfig.json", JSON.stringify({ compilerOptions, include: ["consumer.ts"] }));
  const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", path], { encoding: "utf8" });
  expect(stdout).toBe("");
  expect(status).toBe(0);
});
