/** Exit codes: 0 good, 1 error, 2 ran but its diagnostics failed. */
export type ExitCode = 0 | 1 | 2;
