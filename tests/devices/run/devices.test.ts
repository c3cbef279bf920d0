/** `tilde devices`: what is at hand is measured, what is not says why. */
import { describe, expect, test } from "vitest";
import { renderDevices } from "../../../src/cli/devices.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { measureProduct, measureSteps } from "../../../src/run/device/measure.js";

describe("tilde devices", () => {
  test("measures a product and small steps", async () => {
    const device = openCpuGraphs();
    const { gigaflops, productSize } = await measureProduct(device, [16, 32]);
    expect(gigaflops).toBeGreaterThan(0);
    expect([16, 32]).toContain(productSize);
    expect(await measureSteps(device)).toBeGreaterThan(0);
  });

  test("has a paragraph a device", () => {
    const found = {
      description: "a card",
      precision: "f32",
      details: { "largest binding": "2048 MiB" },
      gigaflops: 12345,
      productSize: 2048,
      stepMicroseconds: 4.25,
      openMilliseconds: 80,
    };
    const missing = { message: "WebGPU is not at hand", help: "install it" };
    expect(
      renderDevices([
        { name: "tensorflow", found },
        { name: "webgpu", missing },
      ]),
    ).toBe(
      [
        "tensorflow: a card, f32",
        "  largest binding: 2048 MiB",
        "  measured: 12345 GFLOP/s in a 2048 × 2048 product, 4.250 µs a small step, opened in 80.00 ms",
        "",
        "webgpu: not at hand",
        "  WebGPU is not at hand",
        "  install it",
      ].join("\n"),
    );
  });
});
