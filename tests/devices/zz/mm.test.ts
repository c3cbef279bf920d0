import { test } from "vitest";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { printWgsl } from "../../../src/device/webgpu/index.js";
test("x", () => { const g = new GraphBuilder(); const x = g.input("x", [32, 130, 19]), y = g.input("y", [32, 19, 133]);
 process.stdout.write(printWgsl({ inputs: [x, y], outputs: [{ name: "z", node: g.matmul(x, y) }] })); });
