/** `parallel` loops as SIMD: the driver around `VectorEmitter`. */
import { internalError } from "../../base/internal.js";
import type { Reduction, Stmt } from "../../kernel/ir.js";
import { flattenBody } from "./flatten.js";
import type { Instr } from "./opcodes.js";
import { planLoop, type VectorPlan } from "./plan.js";
import type { ScalarEmitter } from "./scalar.js";
import { LANES, VectorEmitter } from "./vector-body.js";

type ForStmt = Extract<Stmt, { readonly kind: "for" }>;

/** Bodies larger than this (expression nodes) are not unrolled. */
const UNROLL_LIMIT = 900;
/** Vectors in flight: two hide the latency of an addition that each waits for the last. */
const UNROLL = 2;

/**
 * Emits a loop as `UNROLL` vectors a step, then one vector, then single iterations for what is
 * left. False, with nothing emitted, if the loop has no vector form or too few iterations.
 */
export function emitParallelLoop(scalar: ScalarEmitter, loop: ForStmt): boolean {
  const { fb } = scalar;
  const trips =
    loop.from.kind === "const" && loop.to.kind === "const"
      ? Math.max(0, Number(loop.to.value) - Number(loop.from.value))
      : undefined;
  if (trips !== undefined && trips < LANES) return false;
  const whole = planLoop(loop, fb.module);
  if (whole === undefined) return false;
  const body = flattenBody(loop.body, whole.varying, fb);
  const plan = planLoop({ ...loop, body }, fb.module) ?? internalError("a flat body has no plan");
  const copies = plan.size <= UNROLL_LIMIT ? UNROLL : 1;
  scalar.expr(loop.from);
  fb.index("local.set", fb.declare(loop.index, "i32"));
  if (trips === undefined) emitDynamic(scalar, loop, body, plan, copies);
  else emitStatic(scalar, loop, body, plan, copies, trips);
  return true;
}

/** A trip count known now: only the parts that run are emitted. */
function emitStatic(
  scalar: ScalarEmitter,
  loop: ForStmt,
  body: readonly Stmt[],
  plan: VectorPlan,
  copies: number,
  trips: number,
): void {
  const { fb } = scalar;
  const counter = fb.declare(loop.index, "i32");
  const start = Number(loop.from.kind === "const" ? loop.from.value : 0);
  const wide = trips - (trips % (copies * LANES));
  const paired = trips - (trips % LANES);
  withAccumulators(scalar, body, plan, copies, (vectors) => {
    if (wide === copies * LANES) {
      vectors(copies, start);
      if (wide < trips) advance(scalar, counter, wide);
    } else if (wide > 0) {
      const end = () => fb.i32(start + wide);
      scalar.loopFromCurrent({ ...loop, step: copies * LANES }, end, () => vectors(copies));
    }
    for (let done = wide; done < paired; done += LANES) {
      scalar.withCounter(loop, () => vectors(1));
      advance(scalar, counter, LANES);
    }
  });
  if (paired < trips) scalar.withCounter(loop, () => scalar.statements(loop.body));
}

/** A trip count known at run time. */
function emitDynamic(
  scalar: ScalarEmitter,
  loop: ForStmt,
  body: readonly Stmt[],
  plan: VectorPlan,
  copies: number,
): void {
  const { fb } = scalar;
  const counter = fb.declare(loop.index, "i32");
  const end = scalar.bound(loop.to);
  /** Pushes whether `count` iterations are left. */
  const left = (count: number) => {
    end();
    fb.index("local.get", counter);
    fb.plain("i32.sub");
    fb.i32(count);
    fb.plain("i32.ge_s");
  };
  left(LANES);
  fb.push({ op: "if" });
  withAccumulators(scalar, body, plan, copies, (vectors) => {
    if (copies > 1) {
      const wideEnd = () => {
        end();
        fb.i32(copies * LANES - 1);
        fb.plain("i32.sub");
      };
      scalar.loopFromCurrent({ ...loop, step: copies * LANES }, wideEnd, () => vectors(copies));
      left(LANES);
      fb.push({ op: "if" });
      scalar.withCounter(loop, () => vectors(1));
      advance(scalar, counter, LANES);
      fb.plain("end");
    } else {
      const pairedEnd = () => {
        end();
        fb.i32(LANES - 1);
        fb.plain("i32.sub");
      };
      scalar.loopFromCurrent({ ...loop, step: LANES }, pairedEnd, () => vectors(1));
    }
  });
  fb.plain("end");
  scalar.loopFromCurrent(loop, end);
}

function advance(scalar: ScalarEmitter, counter: number, by: number): void {
  const { fb } = scalar;
  fb.index("local.get", counter);
  fb.i32(by);
  fb.plain("i32.add");
  fb.index("local.set", counter);
}

const identities: Record<Reduction["fn"], number> = { add: -0, min: Infinity, max: -Infinity };

/**
 * Emits the vector part between its preheader (accumulators at their identities, invariants
 * hoisted by the body) and the fold of the accumulators into the scalar reductions.
 */
function withAccumulators(
  scalar: ScalarEmitter,
  body: readonly Stmt[],
  plan: VectorPlan,
  copies: number,
  emit: (vectors: (copies: number, only?: number) => void) => void,
): void {
  const { fb } = scalar;
  const accumulators = new Map<string, readonly number[]>();
  for (const [name, fn] of plan.reductions) {
    const locals = Array.from({ length: copies }, () => fb.newLocal("v128"));
    accumulators.set(name, locals);
    for (const local of locals) {
      fb.push({ op: "f64.const", value: identities[fn] });
      fb.plain("f64x2.splat");
      fb.index("local.set", local);
    }
  }
  const preheader: Instr[] = [];
  const main: Instr[] = [];
  const hoisted = new Map<string, number>();
  fb.into(main, () =>
    emit((count, only) => {
      const hoist = { preheader, locals: hoisted };
      const own = only === undefined ? plan : { ...plan, only };
      const emitter = new VectorEmitter(scalar, own, count, accumulators, hoist);
      emitter.statements(body);
    }),
  );
  fb.append(preheader);
  fb.append(main);
  for (const [name, fn] of plan.reductions) {
    const op = `f64.${fn}` as const;
    const vectorOp = `f64x2.${fn}` as const;
    const [first, ...others] = accumulators.get(name)!;
    for (const local of others) {
      fb.index("local.get", first);
      fb.index("local.get", local);
      fb.plain(vectorOp);
      fb.index("local.set", first);
    }
    const total = fb.declare(name, "f64");
    fb.index("local.get", total);
    for (let lane = 0; lane < LANES; lane++) {
      fb.index("local.get", first);
      fb.push({ op: "f64x2.extract_lane", lane });
      if (lane > 0) fb.plain(op);
    }
    fb.plain(op);
    fb.index("local.set", total);
  }
}
