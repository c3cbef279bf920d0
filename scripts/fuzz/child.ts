/** One process of the long run: models in turn, a line of JSON for each check as it begins and ends. */
import { attempt, casesOf } from "./checks.js";

const [seed, from, methods, devices] = process.argv.slice(2);
const say = (line: unknown): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

for (let number = Number(from); ; number++) {
  const plan = { methods: methods === "1", devices: devices === "" ? [] : devices.split(",") };
  try {
    for await (const { check, c } of casesOf(Number(seed), number, plan)) {
      say({ begins: check, number, c });
      say({ ends: await attempt(check, c), number });
    }
  } catch (error) {
    // The generator's own: no case to show.
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    say({
      ends: { check: "generate", kind: "failed", sign: "generate", detail, seconds: 0 },
      number,
    });
  }
}
