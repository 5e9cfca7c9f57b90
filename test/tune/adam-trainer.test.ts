import { expect, it } from "vitest";
import { cloneState, type StateDict } from "../../src/tensor/state.ts";
import { AdamTrainer } from "../../src/tune/adam-trainer.ts";
import { randomState } from "../graph/programs.ts";
import { BATCH, feedsFor, NETWORKS, network } from "../graph/small-networks.ts";

const net = network(NETWORKS["residual block with stride and projection"]);
const OPTIONS = { batch: BATCH, threads: 1, momentum: 0.9, weightDecay: 1e-3 };

async function trained(trainer: AdamTrainer, steps: readonly number[]): Promise<number[]> {
  const losses: number[] = [];
  for (const step of steps) {
    const feeds = feedsFor(net, 10 + (step % 2));
    losses.push((await trainer.step(feeds.get("input")!, feeds.get("targets")!, 0.01 / (1 + step))).loss);
  }
  return losses;
}

it("a run of Adam that is resumed from its state and moments gives the same bytes", async () => {
  const start = randomState(net, 1);
  const kept = cloneState(start);
  const whole = await AdamTrainer.create(net, start, OPTIONS);
  const losses = await trained(whole, [0, 1, 2, 3, 4, 5]);
  expect(start).toEqual(kept);
  expect(losses[5]).toBeLessThan(losses[1]);

  const first = await AdamTrainer.create(net, start, OPTIONS);
  await trained(first, [0, 1, 2]);
  const [state, moments] = [first.snapshot(), first.velocities()];
  await trained(first, [3]);
  const second = await AdamTrainer.create(net, state, OPTIONS, moments);
  await trained(second, [3, 4, 5]);
  const same = (a: StateDict, b: StateDict) => {
    expect([...a.keys()]).toEqual([...b.keys()]);
    for (const [key, tensor] of a) expect(tensor, key).toEqual(b.get(key));
  };
  same(second.snapshot(), whole.snapshot());
  same(second.velocities(), whole.velocities());
  await Promise.all([whole, first, second].map((trainer) => trainer.release()));
});
