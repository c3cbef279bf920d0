/**
 * Sets up TensorFlow for the tests where the usual download of its native library cannot be reached:
 * the npm package `@tensorflow/tfjs-node` without its install step, the libraries and headers of
 * PyPI's wheel `tensorflow-cpu`, and the addon built from its source against them. Needs npm, python3
 * with pip, make and a C++ compiler. Run it by hand:
 *   node tests/devices/tensorflow/setup-tensorflow.mjs [folder]
 * and, where the folder is not the default one, name it in TILDE_TENSORFLOW.
 */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { defaultFolder } from "./folder.mjs";

const VERSIONS = { tfjs: "4.22.0", tensorflow: "2.21.0" };
const folder = resolve(process.argv[2] ?? defaultFolder);
const run = (command, args, cwd = folder) => execFileSync(command, args, { cwd, stdio: "inherit" });

mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true }));
run("npm", ["install", "--ignore-scripts", "--no-audit", `@tensorflow/tfjs-node@${VERSIONS.tfjs}`]);

const wheels = join(folder, "wheels");
const wheel = `tensorflow-cpu==${VERSIONS.tensorflow}`;
run("python3", ["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "-d", wheels, wheel]);
const extract = `
import sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
wanted = ("tensorflow/include/", "tensorflow/libtensorflow_")
wheel.extractall(sys.argv[2], [n for n in wheel.namelist() if n.startswith(wanted)])
`;
const [file] = readdirSync(wheels).filter((f) => f.endsWith(".whl"));
run("python3", ["-c", extract, join(wheels, file), wheels]);

const addon = join(folder, "node_modules/@tensorflow/tfjs-node");
const lib = join(addon, "deps/lib");
mkdirSync(lib, { recursive: true });
cpSync(join(wheels, "tensorflow/include"), join(addon, "deps/include"), { recursive: true });
for (const [library, short] of [
  ["libtensorflow_cc.so.2", "libtensorflow.so"],
  ["libtensorflow_framework.so.2", "libtensorflow_framework.so"],
]) {
  renameSync(join(wheels, "tensorflow", library), join(lib, library));
  if (!existsSync(join(lib, short))) symlinkSync(library, join(lib, short));
}
rmSync(wheels, { recursive: true });
run("npx", ["node-pre-gyp", "install", "--build-from-source"], addon);
console.log(`TensorFlow is in ${folder}`);
