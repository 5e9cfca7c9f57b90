import { describe, expect, it } from "vitest";
import { Random } from "../../../../src/core/random.ts";
import { Session } from "../../../../src/engine/session.ts";
import { TokenLowering } from "../../../../src/graph/lowering/tokens.ts";
import type { Objective } from "../../../../src/graph/objectives/objective.ts";
import { replyLoss } from "../../../../src/tasks/language/reply/objectives/reply-loss.ts";
import { replyResponse } from "../../../../src/tasks/language/reply/objectives/reply-response.ts";
import { STEPS } from "../../../../src/tasks/language/reply/reply.ts";
import { randomArray } from "../../../graph/programs.ts";
import { tiny, VOCABULARY, WHOLE } from "./tiny.ts";

const BATCH = 3;
const SCALE = 0.5;

async function emitted(objective: Objective, feeds: Map<string, Float32Array>) {
  const lowering = new TokenLowering(BATCH);
  const { graph } = lowering;
  const { value, gradient } = objective(lowering, tiny(STEPS))(graph.input("logits", [BATCH, WHOLE]), SCALE);
  graph.output("value", value, [BATCH]);
  graph.output("gradient", gradient, [BATCH, WHOLE]);
  const session = await Session.open(graph.finish(), { threads: 1 });
  const results = await session.run(feeds);
  await session.release();
  return { value: results.get("value")!, gradient: results.get("gradient")! };
}

/** The largest difference between a gradient and central differences of what is stated in double precision. */
function worstSlope(gradient: Float32Array, logits: Float32Array, of: (z: Float64Array, i: number) => number): number {
  let worst = 0;
  for (let i = 0; i < BATCH; i++) {
    const z = Float64Array.from(logits.subarray(i * WHOLE, (i + 1) * WHOLE));
    for (let j = 0; j < WHOLE; j++) {
      const [own, step] = [z[j], 1e-5];
      const at = (value: number) => {
        z[j] = value;
        return of(z, i);
      };
      const slope = (at(own + step) - at(own - step)) / (2 * step);
      z[j] = own;
      worst = Math.max(worst, Math.abs(SCALE * slope - gradient[i * WHOLE + j]));
    }
  }
  return worst;
}

const rowOf = (z: Float64Array, step: number) => z.subarray(step * VOCABULARY, (step + 1) * VOCABULARY);

describe("the objectives of a reply", () => {
  const random = new Random(1);
  const logits = randomArray(BATCH * WHOLE, random, 1.5);

  it("the loss counts the steps of which something is wanted, and no others", async () => {
    // One sample is to give its own next token alone, the others a reply.
    const wanted = Array.from({ length: BATCH }, (_, i) =>
      Array.from({ length: i === 0 ? 1 : 5 }, () => random.below(VOCABULARY)),
    );
    const targets = new Float32Array(BATCH * WHOLE);
    for (const [i, tokens] of wanted.entries()) {
      for (const [k, token] of tokens.entries()) targets[i * WHOLE + k * VOCABULARY + token] = 1 / tokens.length;
    }
    const of = (z: Float64Array, i: number) =>
      wanted[i].reduce((loss, token, k) => {
        const row = rowOf(z, k);
        const log = row[token] - Math.log(row.reduce((sum, v) => sum + Math.exp(v), 0));
        return loss - log / wanted[i].length;
      }, 0);
    const { value, gradient } = await emitted(
      replyLoss,
      new Map([
        ["logits", logits],
        ["targets", targets],
      ]),
    );
    for (let i = 0; i < BATCH; i++) {
      expect(value[i]).toBeCloseTo(of(Float64Array.from(logits.subarray(i * WHOLE, (i + 1) * WHOLE)), i), 4);
    }
    expect(worstSlope(gradient, logits, of)).toBeLessThan(1e-5);
    expect(gradient.subarray(VOCABULARY, WHOLE).every((g) => g === 0)).toBe(true);
  });

  it("the response is how far the reply's tokens are above the best others", async () => {
    const reply = [4, 9, 4, 17];
    const wanted = new Float32Array(WHOLE);
    const shares = new Float32Array(STEPS);
    for (const [k, token] of reply.entries()) {
      wanted[k * VOCABULARY + token] = 1;
      shares[k] = 0.25;
    }
    const of = (z: Float64Array) =>
      reply.reduce((sum, token, k) => {
        const row = rowOf(z, k);
        return sum + 0.25 * (row[token] - Math.max(...row.filter((_, j) => j !== token)));
      }, 0);
    const { value, gradient } = await emitted(
      replyResponse,
      new Map([
        ["logits", logits],
        ["wanted", wanted],
        ["shares", shares],
      ]),
    );
    for (let i = 0; i < BATCH; i++) {
      expect(value[i]).toBeCloseTo(of(Float64Array.from(logits.subarray(i * WHOLE, (i + 1) * WHOLE))), 4);
    }
    expect(worstSlope(gradient, logits, of)).toBeLessThan(1e-5);
  });
});
