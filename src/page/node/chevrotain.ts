/** `grammar/chevrotain.ts` in a page: the package's own entry, which the bundler makes small. */
export * from "chevrotain";
