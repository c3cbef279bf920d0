/** An error of the caller's own `onProgress`, which ends the run and is given back as it is. */
export class CallbackError extends Error {}
