import { describe, expect, it } from "vitest";
import { channelBlock } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { rowBiasGradient, rowSelector, rowWeightGradient } from "../../src/graph/folded.ts";
import { BlockedLowering } from "../../src/graph/lowering/blocked.ts";
import { PlainLowering } from "../../src/graph/lowering/plain.ts";
import { unitsOf } from "../../src/graph/network.ts";
import { finetuneProgram } from "../../src/graph/programs/finetune.ts";
import { feedsFor } from "./every-program.ts";
import { relativeError } from "./programs.ts";
import { BATCH, NETWORKS, network } from "./small-networks.ts";

const ROWS = 3;

describe("fine-tuning one unit's rows", () => {
  it.each(Object.entries(NETWORKS))("gives what tuning all units gives it: %s", async (_, body) => {
    const net = network(body);
    const units = unitsOf(net);
    const block = await channelBlock();
    const lowerings = [
      () => new PlainLowering(BATCH),
      ...(block === undefined ? [] : [() => new BlockedLowering(BATCH, block)]),
    ];
    for (const make of lowerings) {
      const whole = finetuneProgram(make(), net, new Map(units.map(({ id }) => [id, ROWS])));
      const feeds = feedsFor(whole, net);
      const all = await Session.open(whole, { threads: 1 });
      const expected = await all.run(feeds);
      for (const { id } of units) {
        const program = finetuneProgram(make(), net, new Map([[id, ROWS]]));
        expect(program.inputs.filter(({ name }) => name.endsWith("selector")).map(({ name }) => name)).toEqual([
          rowSelector(id),
        ]);
        const session = await Session.open(program, { threads: 1 });
        const found = await session.run(feeds);
        for (const key of ["loss", "logits", rowWeightGradient(id), rowBiasGradient(id)]) {
          expect(relativeError(found.get(key)!, expected.get(key)!), `${id} ${key}`).toBeLessThan(1e-5);
        }
        await session.release();
      }
      await all.release();
    }
  });

  it("adds the deepest unit's last, which the runtime computes first", () => {
    const net = network(NETWORKS["residual block with stride and projection"]);
    const ids = unitsOf(net).map(({ id }) => id);
    const { outputs } = finetuneProgram(new PlainLowering(BATCH), net, new Map(ids.map((id) => [id, ROWS])));
    const added = [...outputs.keys()].filter((key) => ids.some((id) => key === rowWeightGradient(id)));
    expect([added[0], added.at(-1)]).toEqual([ids[0], ids[ids.length - 1]].map(rowWeightGradient));
    expect(added).toHaveLength(ids.length);
  });

  it("goes back no further than to the first of them", () => {
    const net = network(NETWORKS["residual block with stride and projection"]);
    const operators = (ids: string[]) =>
      finetuneProgram(new PlainLowering(BATCH), net, new Map(ids.map((id) => [id, ROWS]))).model.length;
    const [first, last] = [operators(["a"]), operators(["d"])];
    expect(last).toBeLessThan(0.8 * first);
  });
});
