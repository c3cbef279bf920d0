// Bundles `dist/src` for pages into `dist/page`: ES modules that need neither Node nor a bundler.
// Node's modules are replaced by those of `src/page/node`.
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { rolldown } from "rolldown";

const root = join(import.meta.dirname, "..", "..");
const built = join(root, "dist", "src", "page");
const output = process.argv[2] ?? join(root, "dist", "page");

/** `node:timers/promises` → `…/timers.js`. */
const standIns = {
  "node:crypto": "crypto",
  "node:fs": "fs",
  "node:fs/promises": "fs-promises",
  "node:module": "module",
  "node:os": "os",
  "node:path": "path",
  "node:timers/promises": "timers",
  "node:url": "url",
  "node:worker_threads": "worker-threads",
  "node:zlib": "zlib",
};
const fileOf = (name) => join(built, "node", `${standIns[name]}.js`);

const door = join(root, "dist", "grammar", "chevrotain.js");
const plainDoor = join(built, "node", "chevrotain.js");

const STDLIB = "tilde:stdlib";
const library = join(root, "stdlib");
const texts = Object.fromEntries(
  readdirSync(library)
    .filter((file) => file.endsWith(".ppl"))
    .map((file) => [file, readFileSync(join(library, file), "utf8")]),
);

const options = {
  platform: "browser",
  // Packages that a page has by its import map, or not at all.
  external: ["webgpu", "vega", "vega-lite", "@resvg/resvg-js", "h5wasm/node"],
  transform: {
    define: { "process.env": "{}" },
    inject: { setImmediate: [fileOf("node:timers/promises"), "soon"] },
  },
  plugins: [
    {
      name: "tilde",
      resolveId(id, importer) {
        if (id === STDLIB) return id;
        // That door looks for a file, which a bundler need not.
        if (importer !== undefined && resolve(dirname(importer), id) === door) return plainDoor;
        if (!id.startsWith("node:")) return null;
        if (!Object.hasOwn(standIns, id)) throw new Error(`no stand-in for ${id} in a page`);
        return fileOf(id);
      },
      load: (id) => (id === STDLIB ? `export default ${JSON.stringify(texts)};` : null),
    },
  ],
  onLog(_level, log, handle) {
    // What is missing in a stand-in must not wait for a page to find it.
    const isMissing = log.code === "MISSING_EXPORT" || log.code === "UNRESOLVED_IMPORT";
    handle(isMissing ? "error" : "warn", log);
  },
};

rmSync(output, { recursive: true, force: true });
// The thread is one file, so that bundlers which take it for an asset need know nothing of it.
for (const [name, entry, whole] of [
  ["tilde", "index.js", false],
  ["worker", "worker.js", true],
]) {
  const bundle = await rolldown({ ...options, input: { [name]: join(built, entry) } });
  await bundle.write({
    dir: output,
    format: "esm",
    minify: true,
    entryFileNames: "[name].js",
    // In one folder: a thread is looked for beside the module that starts it.
    chunkFileNames: "[name]-[hash].js",
    codeSplitting: !whole,
  });
  await bundle.close();
}
