/**
 * Sets up what the WebGPU tests need where there is no graphics card: the package `webgpu`, and a
 * software Vulkan (SwiftShader of Debian's chromium-common, with the loader of libvulkan1) in
 * node_modules/.cache/tilde-vulkan. Needs npm, apt-get and dpkg-deb; no root. Run it by hand:
 *   node tests/devices/webgpu/setup-vulkan.mjs
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../../..");
const target = join(root, "node_modules/.cache/tilde-vulkan");
const run = (command, args, cwd) => execFileSync(command, args, { cwd, stdio: "inherit" });

run("npm", ["install", "--no-save", "webgpu@0.6"], root);
mkdirSync(target, { recursive: true });
run("apt-get", ["download", "chromium-common", "libvulkan1"], target);
for (const file of readdirSync(target).filter((f) => f.endsWith(".deb"))) {
  run("dpkg-deb", ["-x", file, "."], target);
  rmSync(join(target, file));
}
