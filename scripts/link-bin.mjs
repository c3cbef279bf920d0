// After a build in a checkout: puts the command where `npx tilde` looks first. Without it npx would
// install the package into its own cache before every first run.
import { existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dirname, "..", "node_modules", ".bin");
const link = join(folder, "tilde");
if (process.platform !== "win32" && existsSync(join(folder, ".."))) {
  mkdirSync(folder, { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(join("..", "..", "bin", "tilde.js"), link);
}
