/** Texts about fits in folders, and about files of other formats. */
import { error } from "./entry.js";

export const fileMessages = {
  fit_missing: error((p: { directory: string; file: string }) => ({
    message: `\`${p.directory}\` holds no fit: there is no \`${p.file}\` in it`,
    help: "`tilde run … --out DIR` and `fit.save(DIR)` make such folders",
  })),
  fit_broken: error((p: { directory: string; reason: string }) => ({
    message: `the fit in \`${p.directory}\` cannot be read: ${p.reason}`,
    help: "run the model again with `--out`; `draws.csv` can still be read by other programs",
  })),
  fit_unfinished: error((p: { directory: string; method: string }) => ({
    message: `the run of ${p.method} in \`${p.directory}\` was ended before it had a result`,
    help: `\`tilde resume ${p.directory}\` goes on where it stood last`,
  })),
  fit_changed: error((p: { directory: string; what: string }) => ({
    message: `${p.what} is not what it was when the run in \`${p.directory}\` began`,
    help: "put it back as it was, or begin a new run with another `--out`",
  })),
  format_needs_library: error((p: { format: string; library: string }) => ({
    message: `the format ${p.format} needs the package \`${p.library}\`, which is not installed`,
    help: `\`npm install ${p.library}\` beside Tilde installs it; it comes with everything it needs`,
  })),
  resume_impossible: error((p: { directory: string; method: string }) => ({
    message: `the run in \`${p.directory}\` cannot be taken up again: ${p.method} kept nothing to go on from`,
    help: "runs of nuts, hmc, gibbs, svi, nce, vi, em and cavi with `--out` can; fit the model again",
  })),
  page_files: error(() => ({
    message: "in a page there are no files to write or to read back",
    help: "keep what `infer` returns: `summary()` and `draws()` are plain values; Node can save a fit",
  })),
} as const;
