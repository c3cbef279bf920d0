/** Whose turn moves which params. */
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { Objective, Player } from "../../model/objective.js";
import { type Conditioned, hostScope } from "../../passes/condition/index.js";
import { evaluateExpr } from "../../passes/interpret/expr.js";
import type { ParamSlot, ProgramBinding, SiteStrategy } from "./contract.js";
import type { Program } from "./programs.js";

/** A player with its params. */
export interface Turn {
  readonly name: string;
  readonly steps: number;
  readonly slots: ReadonlySet<ParamSlot>;
  /** Stretches `[from, to)` of `theta`, in its order. */
  readonly spans: readonly (readonly [number, number])[];
}

/** Most steps of a player in a round. */
const MOST = 1000;

/**
 * The players of an objective, whose params are told from each other by the arguments that they
 * stand for.
 * @throws TildeError where some params are nobody's, or two players' at once.
 */
export function bindPlayers(
  objective: Objective,
  conditioned: Conditioned,
  layout: {
    readonly slots: readonly ParamSlot[];
    readonly programs: ReadonlyMap<string, Program>;
    readonly own: ReadonlyMap<string, ParamSlot>;
  },
  programs: ReadonlyMap<string, ProgramBinding>,
): readonly Turn[] {
  const { players = [] } = objective;
  const taken = new Map<ParamSlot, Player>();
  const turns = players.map((player): Turn => {
    const slots = new Set<ParamSlot>();
    for (const name of player.programs) {
      for (const slot of layout.programs.get(name)?.slots.values() ?? []) slots.add(slot);
    }
    for (const path of player.params) {
      for (const [name, slot] of layout.own) {
        if (name === path || name.startsWith(`${path}.`)) slots.add(slot);
      }
    }
    for (const slot of slots) {
      if (taken.has(slot)) fail("player_twice", player.span, { name: slot.program });
      taken.set(slot, player);
    }
    const scope = hostScope(conditioned.inputs, conditioned.sizes, conditioned.model);
    const steps = player.steps === undefined ? 1 : evaluateExpr(player.steps, scope).data[0];
    if (!(steps >= 1 && steps <= MOST)) {
      fail("player_steps_value", player.span, { name: player.name, value: steps });
    }
    if (slots.size === 0) {
      fail("player_name", player.span, { text: player.name });
    }
    return { name: player.name, steps, slots, spans: spansOf(slots) };
  });
  const nobodys = layout.slots.find((s) => !taken.has(s));
  if (nobodys !== undefined) {
    const argument = [...programs].find(([, p]) => p.model.name === nobodys.program)?.[0];
    const name = argument ?? nobodys.param.split(".")[0];
    fail("player_unnamed", objective.span, { objective: objective.name, name });
  }
  return turns;
}

function spansOf(slots: ReadonlySet<ParamSlot>): [number, number][] {
  const spans: [number, number][] = [];
  for (const { offset, length } of [...slots].sort((a, b) => a.offset - b.offset)) {
    const last = spans.at(-1);
    if (last !== undefined && last[1] === offset) last[1] += length;
    else if (length > 0) spans.push([offset, offset + length]);
  }
  return spans;
}

/** Of each site the strategy of the player whose gradient passes it. */
export function mergeStrategies(
  lists: readonly (readonly SiteStrategy[])[],
): readonly SiteStrategy[] {
  const [first] = lists;
  return first.map((_, k) => {
    const all = lists.map((l) => l[k] ?? internalError("players draw the same sites"));
    return all.find((s) => s.reason !== "frozen") ?? all[0];
  });
}
