import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["tests/**/*.slow.test.ts"], testTimeout: 900_000, maxWorkers: 2 },
});
