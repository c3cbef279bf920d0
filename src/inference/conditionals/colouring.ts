/**
 * Classes of a site's scalars that do not meet in any term: scalars whose gradients react to each
 * other get different colours (greedily, in order; as Curtis, Powell and Reid 1974 group columns).
 */
import type { SiteGradient } from "./natural.js";

/** @param load puts a random state into the workspace */
export function colouring(evaluate: SiteGradient, load: () => void): Int32Array[] {
  load();
  const n = evaluate.values.length;
  const base = evaluate.gradient().slice();
  const largest = base.reduce((m, g) => Math.max(m, Math.abs(g)), 0);
  const neighbours = Array.from({ length: n }, () => new Set<number>());
  for (let j = 0; j < n; j++) {
    const before = evaluate.values[j];
    // Stays inside any interval that holds the value.
    evaluate.values[j] = before * 0.75;
    const moved = evaluate.gradient();
    for (let i = 0; i < n; i++) {
      const limit = 1e-12 * (Math.abs(base[i]) + largest);
      if (i === j || Math.abs(moved[i] - base[i]) <= limit) continue;
      neighbours[i].add(j);
      neighbours[j].add(i);
    }
    evaluate.values[j] = before;
  }
  const colour = new Int32Array(n).fill(-1);
  const classes: number[][] = [];
  for (let i = 0; i < n; i++) {
    const taken = new Set([...neighbours[i]].map((j) => colour[j]));
    let c = 0;
    while (taken.has(c)) c++;
    colour[i] = c;
    if (c === classes.length) classes.push([]);
    classes[c].push(i);
  }
  return classes.map((c) => Int32Array.from(c));
}
