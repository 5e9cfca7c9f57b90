import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { LaidOutWeights } from "../../src/engine/laid-out.ts";
import { channelBlock } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { foldedBias, foldedWeight, rowSelector } from "../../src/graph/folded.ts";
import { BlockedLowering } from "../../src/graph/lowering/blocked.ts";
import { PlainLowering } from "../../src/graph/lowering/plain.ts";
import { convUnits } from "../../src/graph/network.ts";
import { finetuneProgram } from "../../src/graph/programs/finetune.ts";
import { sizeOf } from "../../src/tensor/state.ts";
import { randomArray } from "./programs.ts";
import { NORMALISED, network } from "./small-networks.ts";

const BATCH = 8;
const block = await channelBlock();

describe.each(Object.entries(NORMALISED))("filters that the host lays out: %s", (_, body) => {
  const net = network(body);
  const units = convUnits(net);
  // Some rows are picked, others not.
  const rows = new Map(units.map(({ id, out }, i) => [id, i % 2 === 0 ? out : Math.floor(out / 2)]));
  const names = new Set(units.flatMap(({ id }) => [foldedWeight(id), foldedBias(id), rowSelector(id)]));

  it.each(["plain", "blocked"])("give the same bits as those of the graph's operators, %s", async (kind) => {
    if (kind === "blocked" && block === undefined) return;
    const make = () => (kind === "plain" ? new PlainLowering(BATCH) : new BlockedLowering(BATCH, block!));
    const whole = finetuneProgram(make(), net, rows);
    const lowering = make();
    lowering.graph.layOut(names);
    const laidOut = finetuneProgram(lowering, net, rows);
    expect(laidOut.model.length).toBeLessThan(whole.model.length);

    const random = new Random(3);
    const feeds = new Map(
      whole.inputs.map(({ name, shape }) => [name, randomArray(sizeOf(shape as number[]), random)]),
    );
    const host = new Map(feeds);
    const weights = new LaidOutWeights(laidOut.laidOut!, host);
    const sessions = [await Session.open(whole, { threads: 1 }), await Session.open(laidOut, { threads: 1 })];
    const compare = async () => {
      const [expected, found] = [await sessions[0].run(feeds), await sessions[1].run(host)];
      for (const [key, values] of expected) expect(found.get(key), key).toEqual(values);
      return expected.get("logits")!.slice();
    };
    const before = await compare();
    const { id, out } = units[0];
    const [weight, bias] = [feeds.get(foldedWeight(id))!, feeds.get(foldedBias(id))!];
    const size = weight.length / out;
    weight.fill(0.5, size, 2 * size);
    bias[1] = 2;
    weights.update(foldedWeight(id), size, 2 * size);
    weights.update(foldedBias(id), 1, 2);
    expect(await compare()).not.toEqual(before);
    for (const session of sessions) await session.release();
  });
});
