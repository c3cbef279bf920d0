/** Models with recurrences over `T` steps, for tests of short ones. */
export const models: Readonly<Record<string, string>> = {
  let: `model m(T: int) {
  a ~ Normal(0, 1)
  let h[0] = a
  for t in 1..T { let h[t] = 0.5 * h[t - 1] + sin(h[t - 1]) }
  for t in 0..T { y[t] ~ Normal(h[t], 1) }
}`,
  "two lets": `model m(T: int) {
  a ~ Normal(0, 1)
  let h[0] = a
  let g[0] = a * a
  for t in 1..T { let h[t] = 0.5 * h[t - 1] + g[t - 1];  let g[t] = exp(-h[t] * g[t - 1]) }
  for t in 0..T { y[t] ~ Normal(h[t] + g[t], 1) }
}`,
  site: `model m(T: int) {
  a ~ Normal(0, 1)
  h[0] ~ Normal(a, 1)
  for t in 1..T { h[t] ~ Normal(0.5 * h[t - 1], 1) }
  for t in 0..T { y[t] ~ Normal(h[t], 1) }
}`,
  vector: `model m(T: int) {
  a ~ iid(Normal(0, 1), 2)
  let h[0] = a
  for t in 1..T { let h[t] = [[0.5, 0.1], [0.2, 0.5]] @ h[t - 1] / (1 + sum(square(h[t - 1]))) }
  for t in 0..T { y[t] ~ Normal(sum(h[t]), 1) }
}`,
  int: `model m(T: int) {
  a ~ Normal(0, 1)
  let c[0] = 0
  for t in 1..T { let c[t] = c[t - 1] + 1 }
  for t in 0..T { y[t] ~ Normal(a * c[t], 1) }
}`,
  hmm: `model m(T: int) {
  p ~ Dirichlet([1, 1])
  z[0] ~ Categorical(p)
  for t in 1..T { z[t] ~ Categorical(if z[t - 1] == 0 then p else [0.5, 0.5]) }
  for t in 0..T { y[t] ~ Normal(if z[t] == 0 then 0 else 2, 1) }
}`,
  enumerated: `model m(T: int) {
  z[0] ~ Categorical([0.3, 0.7])
  for t in 1..T { z[t] ~ Categorical(if z[t - 1] == 0 then [0.2, 0.8] else [0.5, 0.5]) }
  for t in 0..T { y[t] ~ Normal(if z[t] == 0 then 0 else 2, 1) }
}`,
  param: `model m(T: int) {
  param b: real = 0.3
  a ~ Normal(0, 1)
  let h[0] = a
  for t in 1..T { let h[t] = b * h[t - 1] + 1 }
  for t in 0..T { y[t] ~ Normal(h[t], 1) }
}`,
  scan: `model m(T: int) {
  a ~ Normal(0, 1)
  y: real[T] ~ Normal(0, 1)
  let h = scan((s, x) => tanh(s + a * x), a, y)
  factor -sum(h)
}`,
  ode: `fn f(t, z, a) = -a * z
model m(T: int) {
  a ~ HalfNormal(1)
  let h = ode(f, 1, 0, range(1, T + 1), a, steps: 1)
  for t in 0..T { y[t] ~ Normal(h[t], 1) }
}`,
};
