/** Diagnostic texts of the WebGPU device. */
import { error } from "./entry.js";

export const webgpuMessages = {
  webgpu_missing: error((p: { reason: string }) => ({
    message: `WebGPU is not at hand: the package \`webgpu\` did not load (${p.reason})`,
    help: "install it with `npm install webgpu`, or choose another device",
  })),
  webgpu_no_adapter: error((_: Record<string, never>) => ({
    message: "WebGPU found no graphics adapter",
    help: "install a Vulkan driver and `libvulkan1` (its json can be named in VK_DRIVER_FILES), or choose another device",
  })),
  webgpu_lost: error((p: { reason: string; doing: string }) => ({
    message: `the graphics device was lost while ${p.doing}: ${p.reason}`,
    help: "what was read back before stays valid; run again, with smaller steps if a watchdog ended it",
  })),
  webgpu_memory: error((p: { doing: string; reason: string }) => ({
    message: `the graphics device ran out of memory while ${p.doing}: ${p.reason}`,
    help: "a smaller batch or the CPU device would do",
  })),
  webgpu_too_large: error((p: { what: string; needed: string; limit: string }) => ({
    message: `the program needs ${p.needed} bytes of ${p.what}, and this device binds at most ${p.limit}`,
    help: "a smaller batch or the CPU device would do",
  })),
  webgpu_shader: error((p: { label: string; reason: string }) => ({
    message: `the graphics device rejected the kernel of ${p.label}: ${p.reason}`,
    help: "please report this: the compiler should not have written it",
  })),
} as const;
