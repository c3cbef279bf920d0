/** Where `setup-tensorflow.mjs` puts TensorFlow unless told, and the tests look for it. */
import { homedir } from "node:os";
import { join } from "node:path";

export const defaultFolder = join(
  process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"),
  "tilde/tensorflow",
);
