#!/usr/bin/env node
import module from "node:module";

// Node 22.1 and later keep compiled code between runs: most of a short run is loading.
module.enableCompileCache?.();

import("../dist/src/cli/main.js").then(
  ({ main }) => main(process.argv),
  (error) => {
    if (error?.code !== "ERR_MODULE_NOT_FOUND") throw error;
    console.error("tilde is not built: run `npm install` (or `npm run build`) in its folder");
    process.exitCode = 1;
  },
);
