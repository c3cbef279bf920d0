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

mkdirSync(target, { recursive: true });
// `npm install --no-save` of an optional peer does nothing in some versions of npm.
const packed = execFileSync("npm", ["pack", "--silent", "webgpu@0.6"], { cwd: target });
const archive = join(target, packed.toString().trim());
const folder = join(root, "node_modules/webgpu");
mkdirSync(folder, { recursive: true });
run("tar", ["-xzf", archive, "-C", folder, "--strip-components", "1"], root);
rmSync(archive);
run("apt-get", ["download", "chromium-common", "libvulkan1"], target);
for (const file of readdirSync(target).filter((f) => f.endsWith(".deb"))) {
  run("dpkg-deb", ["-x", file, "."], target);
  rmSync(join(target, file));
}
