/** A thread of a page: takes chains, as `run/worker.ts` does, and says that it has ended. */
import "../run/worker.js";
import { finished } from "./node/worker-threads.js";

finished();
