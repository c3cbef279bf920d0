/**
 * Tilde in a page: what `src/index.ts` exports, bundled with stand-ins for Node's modules (`node/`)
 * into ES modules that need nothing (`scripts/page/bundle.mjs`). Models and data are text, values or
 * addresses that the page may fetch; there are no files to write and no TensorFlow.
 */
export * from "../index.js";
