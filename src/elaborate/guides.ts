/** A guide against its model: its sites are sites of the model, of the same shapes and supports. */
import { nearestNames } from "../base/nearest.js";
import { type IntervalLookup, supportInterval, within } from "../model/interval.js";
import type { Model, Support, Variable } from "../model/ir.js";
import { printSupport, printType } from "../model/print.js";
import { type Size, sizeNames, sizesEqual } from "../model/size.js";
import { dependsOnRandom, distDependsOnRandom, walkStmts } from "../model/traverse.js";
import type { Reporter } from "./context.js";

/**
 * Reports sites of the guide that the model has otherwise, and those that it does not have and
 * nothing follows from.
 * @returns auxiliary sites: the model does not have them, and sites that it has follow from them
 */
export function checkGuide(reporter: Reporter, guide: Model, model: Model): readonly string[] {
  const found: string[] = [];
  const sites = model.variables.filter((v) => v.role === "site");
  const byName = new Map(sites.map((v) => [v.name, v]));
  const { images = {} } = guide;
  const bases = new Set(Object.values(images).map((i) => i.base));
  for (const v of guide.variables) {
    const image = Object.hasOwn(images, v.name) ? images[v.name] : undefined;
    if (image === undefined && (v.role !== "site" || bases.has(v.name))) continue;
    const own = image === undefined ? v : { ...v, support: image.support };
    const site = byName.get(own.name);
    if (site === undefined && image === undefined && feedsSites(guide, own.name, byName)) {
      found.push(own.name);
      continue;
    }
    if (site === undefined) {
      reporter.report("guide_adds_site", own.span, {
        name: own.name,
        model: model.name,
        near: nearestNames(own.name, [...byName.keys()]),
      });
      continue;
    }
    const note = [{ span: site.span, text: "the model draws it here" }];
    if (!sameShape(own, site, guide, model)) {
      const types = { name: own.name, own: printType(own.type), model: printType(site.type) };
      reporter.report("guide_shape", own.span, types, note);
    } else if (!fits(own.support, site.support)) {
      reporter.report(
        "guide_support",
        own.span,
        {
          name: own.name,
          own: `\`${printSupport(own.support)}\``,
          model: `\`${printSupport(site.support)}\``,
        },
        note,
      );
    }
  }
  return found;
}

/** Whether a site of the guide that its model has too depends on the draw of `name`. */
function feedsSites(guide: Model, name: string, known: ReadonlyMap<string, Variable>): boolean {
  const names = new Set([name]);
  let found = false;
  for (let before = -1; before !== names.size; ) {
    before = names.size;
    walkStmts(guide.body, (s) => {
      if ((s.kind === "let" || s.kind === "local") && dependsOnRandom(s.value, names)) {
        names.add(s.name);
      } else if (s.kind === "site" && distDependsOnRandom(s.dist, names)) {
        names.add(s.name);
        if (known.has(s.name)) found = true;
      }
    });
  }
  return found;
}

function sameShape(a: Variable, b: Variable, guide: Model, model: Model): boolean {
  const isInt = (v: Variable): boolean => v.type.scalar !== "real";
  const { dims } = a.type;
  if (isInt(a) !== isInt(b) || dims.length !== b.type.dims.length) return false;
  if (a.eventRank !== b.eventRank && structured(b.support)) return false;
  return dims.every((d, k) => agree(d, b.type.dims[k], guide, model));
}

/** Sizes of other names wait for the data. */
function agree(a: Size, b: Size, guide: Model, model: Model): boolean {
  if (sizesEqual(a, b)) return true;
  const known = (m: Model): Set<string> =>
    new Set([...m.inputs.map((i) => i.name), ...m.boundSizes]);
  const [inGuide, inModel] = [known(guide), known(model)];
  const names = [...sizeNames(a), ...sizeNames(b)];
  return names.some((n) => !inGuide.has(n) || !inModel.has(n));
}

const scalars: readonly Support["kind"][] = ["real", "positive", "nonnegative", "unit", "interval"];
const ints: readonly Support["kind"][] = ["int", "bool", "count", "category", "integers"];

function structured(s: Support): boolean {
  return !scalars.includes(s.kind) && !ints.includes(s.kind);
}

/** Whether every value of `own` can lie in `site`, as far as constants tell. */
function fits(own: Support, site: Support): boolean {
  if (structured(own) || structured(site)) return own.kind === site.kind;
  if (printSupport(own) === printSupport(site)) return true;
  const nothing: IntervalLookup = () => undefined;
  const [a, b] = [supportInterval(own, nothing), supportInterval(site, nothing)];
  const hasExpression = [own, site].some(
    (s) => s.kind === "interval" || s.kind === "category" || s.kind === "integers",
  );
  // Bounds that are expressions may agree once they are numbers.
  return within(a, b) || (hasExpression && a.lo <= b.hi && b.lo <= a.hi);
}
