// Packs `bench:gpu` into a folder that needs Node alone, to be carried to a machine with a card:
//
//     npm run bench:gpu:pack -- FOLDER [--platform linux-x64]
//     node FOLDER/run.mjs --device webgpu --size full
//
// With it go the standard library, the script for NumPyro and JAX, and the package `webgpu` where it
// is installed here (`npm install --no-save webgpu`), for one platform.
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { rolldown } from "rolldown";

const root = join(import.meta.dirname, "..", "..");
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { platform: { type: "string", default: `${process.platform}-${process.arch}` } },
});
if (positionals.length !== 1) {
  console.error("npm run bench:gpu:pack -- FOLDER [--platform linux-x64]");
  process.exit(1);
}
const target = resolve(positionals[0]);
if (existsSync(target) && readdirSync(target).length > 0) {
  console.error(`${target} is not empty`);
  process.exit(1);
}

// Packages that are found when they are asked for, or never asked for here.
const external = [/^webgpu$/, /^@tensorflow\//, /^vega/, /^@resvg\//, /^h5wasm/];
// Two folders down: `src/run/sources.ts` looks for the standard library there.
const lib = join(target, "lib", "bench");
mkdirSync(lib, { recursive: true });
const bundle = await rolldown({
  input: {
    main: join(root, "scripts/bench-gpu/main.ts"),
    count: join(root, "scripts/bench-gpu/count.ts"),
  },
  platform: "node",
  external,
  cwd: root,
});
await bundle.write({ dir: lib, format: "es" });
await bundle.close();
cpSync(join(root, "scripts/bench-gpu/peers.py"), join(lib, "peers.py"));
cpSync(join(root, "stdlib"), join(target, "stdlib"), { recursive: true });
for (const [name, file] of [
  ["run", "main"],
  ["count", "count"],
]) {
  writeFileSync(join(target, `${name}.mjs`), `import "./lib/bench/${file}.js";\n`);
}
writeFileSync(join(target, "package.json"), '{ "type": "module", "private": true }\n');

const gpu = join(root, "node_modules/webgpu");
const binaries = join(gpu, "dist", values.platform);
if (existsSync(binaries)) {
  const to = join(target, "node_modules/webgpu");
  cpSync(gpu, to, {
    recursive: true,
    filter: (from) => from !== join(gpu, "build") && from !== join(gpu, "dist"),
  });
  rmSync(join(to, "dist"), { recursive: true, force: true });
  cpSync(binaries, join(to, "dist", values.platform), { recursive: true });
} else {
  console.error(
    existsSync(gpu)
      ? `the package webgpu has nothing for ${values.platform}: ${readdirSync(join(gpu, "dist")).join(", ")}`
      : "the package webgpu is not installed here: `npm install webgpu` in the folder, where it is carried to",
  );
}
console.log(`node ${join(target, "run.mjs")} --device webgpu --size full`);
