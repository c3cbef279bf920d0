/** `npm run generate`: writes the files under `grammar/generated/` of the working directory. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generatedFiles } from "./generated-files.js";

const folder = join(process.cwd(), "grammar", "generated");
mkdirSync(folder, { recursive: true });
for (const [name, text] of generatedFiles()) writeFileSync(join(folder, name), text);
