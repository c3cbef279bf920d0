/** Opens the device for tests, on a software Vulkan where one was set up; says why if it cannot. */
import { existsSync, readdirSync } from "node:fs";
import { constants } from "node:os";
import { join, resolve } from "node:path";
import { type GpuOptions, openGpu, type WebGpuDevice } from "../../../src/device/webgpu/index.js";

const cache = resolve(import.meta.dirname, "../../../node_modules/.cache/tilde-vulkan/usr/lib");

/**
 * The loader is opened by path before Dawn asks for it by name: a process cannot change its own
 * library path. Node refuses it as an addon, after it is loaded; the last flag keeps it.
 */
function useSoftwareVulkan(): void {
  const icd = join(cache, "chromium/vk_swiftshader_icd.json");
  if (!existsSync(icd) || process.env.VK_DRIVER_FILES !== undefined) return;
  process.env.VK_DRIVER_FILES = icd;
  const folder = readdirSync(cache).find((f) => f.endsWith("-linux-gnu"));
  if (folder === undefined) return;
  const keep = 0x1000;
  const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen;
  try {
    process.dlopen(
      { exports: {} },
      join(cache, folder, "libvulkan.so.1"),
      RTLD_NOW | RTLD_GLOBAL | keep,
    );
  } catch (error) {
    if (!String(error).includes("self-register")) throw error;
  }
}

/** The device, or undefined with a printed reason. */
export async function deviceForTests(options: GpuOptions = {}): Promise<WebGpuDevice | undefined> {
  useSoftwareVulkan();
  try {
    return await openGpu(options);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.warn(
      `WebGPU tests are skipped: ${reason} (setup-vulkan.mjs sets a software device up)`,
    );
    return undefined;
  }
}
