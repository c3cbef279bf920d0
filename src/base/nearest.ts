/** Spelling suggestions for "did you mean". */

/** Damerau–Levenshtein distance (optimal string alignment), in O(a·b). */
export function editDistance(a: string, b: string): number {
  const rows = a.length + 1;
  const cols = b.length + 1;
  const d: number[][] = Array.from({ length: rows }, (_, i) => {
    const row = new Array<number>(cols).fill(0);
    row[0] = i;
    return row;
  });
  for (let j = 0; j < cols; j++) d[0][j] = j;
  for (let i = 1; i < rows; i++) {
    for (let j = 1; j < cols; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, d[i - 2][j - 2] + 1);
      }
      d[i][j] = best;
    }
  }
  return d[a.length][b.length];
}

/** Up to three names near to `name`, nearest first; letter case counts little. */
export function nearestNames(name: string, known: Iterable<string>): string[] {
  // Any letter is one edit from any other: a one-letter name is near only to itself in other case.
  const limit = name.length === 1 ? 0 : Math.max(1, Math.floor(name.length / 3));
  const lower = name.toLowerCase();
  const scored: { known: string; distance: number }[] = [];
  for (const k of new Set(known)) {
    if (k === name || Math.abs(k.length - name.length) > limit) continue;
    const distance = editDistance(lower, k.toLowerCase());
    if (distance <= limit) scored.push({ known: k, distance });
  }
  scored.sort((x, y) => x.distance - y.distance || (x.known < y.known ? -1 : 1));
  return scored.slice(0, 3).map((s) => s.known);
}
