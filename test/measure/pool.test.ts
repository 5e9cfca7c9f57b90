import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { activationBytes } from "../../src/graph/cost.ts";
import { foldState } from "../../src/graph/fold.ts";
import type { Lowering } from "../../src/graph/lowering/lowering.ts";
import { inferProgram } from "../../src/graph/programs/infer.ts";
import { ProgramPool } from "../../src/measure/pool.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { randomArray, randomState, relativeError } from "../graph/programs.ts";

const network = buildNetwork("vgg13w4", 5);
const BATCH = 4;
const input = randomArray(BATCH * 3072, new Random(1));
const states = [1, 2].map((seed) => foldState(network, randomState(network, seed)));

describe("a pool's sessions with frozen weights", () => {
  const open = () => {
    const pool = new ProgramPool(1);
    const run = async (fed: Iterable<[string, Float32Array]>, frozen?: ReadonlyMap<string, Float32Array>) => {
      const feeds = new Map([...fed, ["input", input] as const]);
      const outputs = await pool.run("infer", network, BATCH, (l) => inferProgram(l, network), feeds, frozen);
      return outputs.get("logits")!.slice();
    };
    return { pool, run };
  };

  it("give what fed weights give, and follow the model", async () => {
    const { pool, run } = open();
    const fed = [await run(states[0]), await run(states[1])];
    expect(relativeError(fed[0], fed[1])).toBeGreaterThan(0.01);
    for (const i of [0, 1, 0]) {
      const found = await run([], states[i]);
      // The runtime may choose other kernels where it knows the weights.
      expect(relativeError(found, fed[i])).toBeLessThan(1e-5);
      expect(await run([], states[i])).toEqual(found);
    }
    expect(await run(states[1])).toEqual(fed[1]);
    await pool.release();
  });

  it("may be replaced while they run", async () => {
    const { pool, run } = open();
    const alone = [await run([], states[0]), await run([], states[1])];
    const order = [0, 1, 1, 0, 1];
    const found = await Promise.all(order.map((i) => run([], states[i])));
    expect(found).toEqual(order.map((i) => alone[i]));
    await pool.release();
  });

  it("need no input that is frozen, and say which other is missing", async () => {
    const { pool, run } = open();
    const [first] = states[0].keys();
    const rest = new Map([...states[0]].filter(([name]) => name !== first));
    await expect(run([], rest)).rejects.toThrow(`input '${first}' was not fed`);
    await pool.release();
  });
});

describe("a pool's steady weights", () => {
  it("give the same bits as weights that are fed in every run, model after model and batch after batch", async () => {
    const pool = new ProgramPool(1);
    const make = (lowering: Lowering) => inferProgram(lowering, network);
    const maps = states.map((state) => new Map(state));
    const names = new Set(states[0].keys());
    const other = randomArray(BATCH * 3072, new Random(2));
    for (const [i, images] of [input, other, input].flatMap((images) => [0, 1].map((i) => [i, images] as const))) {
      const expected = (await pool.run("infer", network, BATCH, make, new Map([...states[i], ["input", images]]))).get(
        "logits",
      )!;
      maps[i].set("input", images);
      const found = await pool.run("infer", network, BATCH, make, maps[i], undefined, names);
      expect(found.get("logits")).toEqual(expected);
    }
    await expect(pool.run("infer", network, BATCH, make, new Map(), undefined, names)).rejects.toThrow("was not fed");
    await pool.release();
  });
});

describe("a pool that is trimmed", () => {
  it("keeps the sessions that were used last, and opens the others again with the same answers", async () => {
    const pool = new ProgramPool(1);
    const infer = (batch: number) => {
      const feeds = new Map([...states[0], ["input", input.subarray(0, batch * 3072)] as const]);
      return pool.run("infer", network, batch, (l) => inferProgram(l, network), feeds);
    };
    const answers = async (batch: number) => (await infer(batch)).get("logits")!.slice();
    const first = [await answers(1), await answers(2), await answers(4)];
    const all = activationBytes(network, 7);
    expect(await pool.trim(all)).toBe(3);
    await infer(1);
    // The batches of 1 and 4 were used last.
    expect(await pool.trim(all - 1)).toBe(2);
    expect(await pool.trim(activationBytes(network, 1))).toBe(1);
    expect([await answers(1), await answers(2), await answers(4)]).toEqual(first);
    expect(await pool.trim(0)).toBe(0);
    await pool.release();
  });
});
