/** Sessions for tests: entries in, text out. */
import { printOutput } from "../../../src/cli/repl/print.js";
import { Session } from "../../../src/run/repl/session.js";

/** A session and `say`, which runs an entry and gives its answer as text. */
export function newSession() {
  const session = new Session();
  const say = async (entry: string): Promise<string> => {
    const { outputs } = await session.run(entry);
    return outputs.map((o) => printOutput(o, { color: false })).join("\n");
  };
  /** The number that an entry answers. */
  const number = async (entry: string): Promise<number> => Number(await say(entry));
  return { session, say, number };
}

export const schools = `model schools(J: int, sigma: positive[J]) {
  mu ~ Normal(0, 5)
  tau ~ HalfCauchy(5)
  for j in 0..J {
    eta[j] ~ Normal(0, 1)
    let theta[j] = mu + tau * eta[j]
    y[j] ~ Normal(theta[j], sigma[j])
  }
}`;
export const schoolsData =
  "y = [28, 8, -3, 7, -1, 1, 18, 12]; sigma = [15, 10, 16, 11, 9, 11, 10, 18]";

/** The conjugate model of which everything is known in closed form. */
export const coin = "model coin(n: int) { p ~ Beta(1, 1); k ~ Binomial(n, p) }";
