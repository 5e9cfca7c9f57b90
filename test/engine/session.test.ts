import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { chooseLowering } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { trainProgram } from "../../src/graph/programs/train.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { sizeOf } from "../../src/tensor/state.ts";
import { randomArray } from "../graph/programs.ts";

const BATCH = 4;

describe("a session that is told of many activations", () => {
  it("plans its memory otherwise and computes the same bits, run after run", async () => {
    const network = buildNetwork("resnet18w8", 10);
    const { program } = trainProgram(await chooseLowering(network, BATCH), network);
    const random = new Random(1);
    const feeds = new Map(
      program.inputs.map(({ name, shape }) => [name, randomArray(sizeOf(shape as number[]), random, 0.3)]),
    );
    const planned = await Session.open(program, { threads: 1 });
    const unplanned = await Session.open(program, { threads: 1, activationBytes: 1e12 });
    // The plan is made by the first run and used from the second on.
    for (let run = 0; run < 3; run++) {
      const expected = await planned.run(feeds);
      expect(expected.get("logits")!.some((value) => value !== 0)).toBe(true);
      for (const [key, values] of await unplanned.run(feeds)) {
        // Compared as bytes: value by value takes minutes.
        expect(Buffer.from(values.buffer).equals(Buffer.from(expected.get(key)!.buffer)), key).toBe(true);
      }
    }
    await planned.release();
    await unplanned.release();
  });
});
