/** Charts of the examples as SVG: points, lines, bands and shades over two axes, each linear or log. */

const colours = ["#1b6ca8", "#d1495b", "#2e933c", "#8f5db7", "#e08e0b"];
const number = (x) => String(Number(x.toPrecision(6)));

/** Round numbers within the range, a decade each on a log axis. */
function ticksOf([low, high], log) {
  if (log) {
    const from = Math.ceil(Math.log10(low) - 1e-9);
    const to = Math.floor(Math.log10(high) + 1e-9);
    return Array.from({ length: Math.max(0, to - from + 1) }, (_, k) => 10 ** (from + k));
  }
  const raw = (high - low) / 6;
  const decade = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * decade).find((s) => s >= raw);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, k) => (first + k) * step);
}

/**
 * One chart. `x` and `y` are axes `{ label, range, log }`; a series is `{ name, kind, x, y }` with the
 * kind `line`, `dashes` or `points`, a `band` with `low` and `high` in the place of `y`, or `shades`:
 * `{ kind, x, y, value }`, cells about a grid of centres with values in 0 to 1.
 */
export function chart({ x, y, series, width = 560, height = 380 }) {
  const frame = { left: 62, right: 16, top: 14, bottom: 46 };
  const place = (axis, from, to) => {
    const f = axis.log ? Math.log10 : (v) => v;
    const [low, high] = axis.range.map(f);
    return (v) => from + ((f(v) - low) / (high - low)) * (to - from);
  };
  const px = place(x, frame.left, width - frame.right);
  const py = place(y, height - frame.bottom, frame.top);
  const at = (a, b) => `${px(a).toFixed(1)},${py(b).toFixed(1)}`;
  const out = [];
  const shades = series.filter((s) => s.kind === "shades");
  for (const s of shades) out.push(cells(s, px, py));
  for (const t of ticksOf(x.range, x.log)) {
    const p = px(t).toFixed(1);
    const foot = height - frame.bottom;
    if (shades.length === 0) {
      out.push(`<path d="M${p},${frame.top}V${foot}" stroke="#e6e6e6"/>`);
    }
    out.push(`<text x="${p}" y="${foot + 16}" text-anchor="middle">${number(t)}</text>`);
  }
  for (const t of ticksOf(y.range, y.log)) {
    const p = py(t).toFixed(1);
    if (shades.length === 0) {
      out.push(`<path d="M${frame.left},${p}H${width - frame.right}" stroke="#e6e6e6"/>`);
    }
    out.push(`<text x="${frame.left - 6}" y="${+p + 4}" text-anchor="end">${number(t)}</text>`);
  }
  const named = series.filter((s) => s.name !== undefined);
  series.forEach((s, k) => {
    const colour = s.colour ?? colours[k % colours.length];
    if (s.kind === "line" || s.kind === "dashes") {
      const d = s.x.map((v, i) => at(v, s.y[i])).join("L");
      const dash = s.kind === "dashes" ? ' stroke-dasharray="5 4"' : "";
      out.push(`<path d="M${d}" fill="none" stroke="${colour}" stroke-width="1.8"${dash}/>`);
    } else if (s.kind === "points") {
      const r = s.radius ?? 2.2;
      const d = s.x.map(
        (v, i) =>
          `M${at(v, s.y[i])}m${-r},0a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0`,
      );
      out.push(`<path d="${d.join("")}" fill="${colour}" fill-opacity="${s.opacity ?? 1}"/>`);
    } else if (s.kind === "band") {
      const there = s.x.map((v, i) => at(v, s.high[i]));
      const back = s.x.map((v, i) => at(v, s.low[i])).reverse();
      out.push(
        `<path d="M${[...there, ...back].join("L")}Z" fill="${colour}" fill-opacity="0.25"/>`,
      );
    }
  });
  named.forEach((s, k) => {
    const colour = s.colour ?? colours[series.indexOf(s) % colours.length];
    const top = frame.top + 14 + 16 * k;
    const left = width - frame.right - 150;
    out.push(`<rect x="${left}" y="${top - 8}" width="12" height="8" fill="${colour}"/>`);
    out.push(`<text x="${left + 18}" y="${top}">${s.name}</text>`);
  });
  const [w, h] = [width - frame.left - frame.right, height - frame.top - frame.bottom];
  const middle = frame.top + h / 2;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="white"/>
${out.join("\n")}
<rect x="${frame.left}" y="${frame.top}" width="${w}" height="${h}" fill="none" stroke="#555"/>
<text x="${frame.left + w / 2}" y="${height - 10}" text-anchor="middle">${x.label}</text>
<text transform="translate(14 ${middle}) rotate(-90)" text-anchor="middle">${y.label}</text>
</svg>
`;
}

/** Grey cells, those of one grey in one path. */
function cells({ x, y, value }, px, py) {
  const [w, h] = [Math.abs(px(x[1]) - px(x[0])), Math.abs(py(y[1]) - py(y[0]))];
  const byGrey = new Map();
  y.forEach((b, j) => {
    x.forEach((a, i) => {
      const grey = 255 - Math.round(12 * value[j * x.length + i]) * 16;
      if (grey === 255) return;
      const cell = `M${(px(a) - w / 2).toFixed(1)},${(py(b) - h / 2).toFixed(1)}h${w.toFixed(2)}v${h.toFixed(2)}h${(-w).toFixed(2)}z`;
      byGrey.set(grey, (byGrey.get(grey) ?? "") + cell);
    });
  });
  const paths = [...byGrey].map(([g, d]) => `<path d="${d}" fill="rgb(${g},${g},${g})"/>`);
  return paths.join("\n");
}
