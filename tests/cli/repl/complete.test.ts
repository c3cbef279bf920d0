/** Completion and colours. */
import { mkdirSync } from "node:fs";
import { expect, test } from "vitest";
import { highlight } from "../../../src/run/repl/highlight.js";
import { scratchFolder } from "../../helpers/cli.js";
import { coin, newSession } from "./helpers.js";

const scratch = scratchFolder();

async function prepared() {
  const { session, say } = newSession();
  await say(coin);
  await say("n = 10; k = 7; fit = exact(coin); p = predict(fit); d = Normal(0, 1)");
  await say("fn area(radius: real, pi: real = 3.14) = pi * radius^2");
  await say("import gp");
  return session;
}

test("names, members, arguments, commands and paths", async () => {
  const session = await prepared();
  const at = (text: string): readonly string[] => session.complete(text).candidates;
  expect(at("Norm")).toEqual(["Normal"]);
  expect(at("Half")).toEqual(["HalfCauchy", "HalfNormal", "HalfStudentT"]);
  expect(at("1 + inv_l")).toEqual(["inv_logit"]);
  expect(at("coi")).toEqual(["coin"]);
  expect(at("fi")).toEqual(expect.arrayContaining(["fill", "fit"]));
  expect(at("mate")).toEqual(expect.arrayContaining(["matern52"]));
  expect(at("fit.")).toEqual(expect.arrayContaining(["p", "summary", "warnings", "predict("]));
  expect(at("mean(fit.s")).toEqual(["save(", "summary", "summary("]);
  expect(at("p.")).toEqual(["k"]);
  expect(at("Normal(0, 1).")).toEqual(["cdf(", "log_prob(", "mean"]);
  expect(at("d.log")).toEqual(["log_prob("]);
  expect(at("gp.matern5")).toEqual(["matern52", "matern52_at", "matern52_between"]);
  expect(at("Normal(")).toEqual(["mu: ", "sigma: "]);
  expect(at("Normal(mu: 0, ")).toEqual(["sigma: "]);
  expect(at("Normal(si")).toEqual(expect.arrayContaining(["sigma: ", "sigmoid"]));
  expect(at("area(")).toEqual(["radius: ", "pi: "]);
  expect(at("condition(coin, ")).toEqual(["n: ", "p: ", "k: "]);
  expect(at("infer(coin, ")).toEqual(["method: ", "seed: ", "threads: ", "relabel: "]);
  expect(at("infer(coin, method: nuts(max_t")).toEqual(["max_tree_depth: "]);
  expect(at(":")).toContain("explain");
  expect(at(":ex")).toEqual(["explain"]);
  expect(at(":doc Norma")).toEqual(["Normal"]);
  expect(at(":explain coi")).toEqual(["coin"]);
  scratch.file("one.ppl", "");
  scratch.file("other.csv", "");
  mkdirSync(`${scratch.path}/only`);
  const paths = at(`:load ${scratch.path}/o`);
  expect(paths).toEqual(["one.ppl", "only/", "other.csv"].map((f) => `${scratch.path}/${f}`));
  expect(at(":load /no/such/folder/x")).toEqual([]);
});

test("the text before the cursor counts, and says what is replaced", async () => {
  const session = await prepared();
  expect(session.complete("Norm + 1", 4)).toEqual({ from: 0, candidates: ["Normal"] });
  expect(session.complete("x = inv_l").from).toBe(4);
  expect(session.complete(":type inv_l").from).toBe(6);
});

test("never throws, whatever is typed", async () => {
  const session = await prepared();
  const texts = [
    "",
    "(",
    ")",
    ".",
    "x.",
    "1.",
    '"',
    "f(((",
    "[,",
    ":",
    ":load",
    "/*",
    "é",
    "a.b.c.",
  ];
  for (const text of texts) {
    for (let k = 0; k <= text.length; k++) session.complete(text, k);
    highlight(text);
  }
});

test("colours go by tokens", () => {
  const paints = (text: string) =>
    highlight(text).map((p) => [text.slice(p.start, p.end), p.paint]);
  expect(paints("let x = exp(1) // no")).toEqual([
    ["let", "keyword"],
    ["exp", "function"],
    ["1", "number"],
    ["// no", "comment"],
  ]);
  expect(paints('x ~ Normal(mu: "a", 2)')).toEqual([
    ["Normal", "dist"],
    ['"a"', "string"],
    ["2", "number"],
  ]);
  expect(paints(":type exp(1)")).toEqual([
    [":type", "keyword"],
    ["exp", "function"],
    ["1", "number"],
  ]);
  expect(paints(":nope")).toEqual([[":nope", "mistake"]]);
});
