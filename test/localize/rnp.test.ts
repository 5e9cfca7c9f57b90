import { afterAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { recover, rnp, UNLEARN, unlearn } from "../../src/localize/criteria/rnp.ts";
import { CleanBatches, evenBatch } from "../../src/measure/clean-batches.ts";
import { cloneState } from "../../src/tensor/state.ts";
import { colours, sleepingModel, toySuspect } from "./toys.ts";

describe("rnp", () => {
  const { network, state } = sleepingModel();
  const suspect = toySuspect(network, state, 0);
  // As many steps as a real half gives, on a model that is less sure of itself.
  suspect.clean.fit = colours(480, 3, 0);
  const { data: head } = state.get("fc.weight")!;
  for (let i = 0; i < head.length; i++) head[i] /= 4;
  afterAll(() => suspect.runner.release());

  it("unlearns clean images without touching the suspect, then wins them back by masks alone", async () => {
    const before = cloneState(suspect.state);
    const { state: unlearned, accuracy } = await unlearn(suspect, UNLEARN.epochs);
    expect(accuracy).toBeLessThanOrEqual(UNLEARN.accuracy);
    expect(suspect.state).toEqual(before);
    expect(unlearned.get("a.weight")).not.toEqual(before.get("a.weight"));

    const masks = await recover(suspect, unlearned, 20);
    const gains = suspect.runner.gains(unlearned, "batch");
    const batch = new CleanBatches(suspect, suspect.clean.threshold, 24, new Random(7)).draw();
    const ones = new Float32Array(8).fill(1);
    const [open, masked] = [await gains.at(batch, ones, ones), await gains.at(batch, masks, ones)].map(
      ({ loss }) => loss,
    );
    expect(masked).toBeLessThan(open);
  });

  it("scores 1 − m and names masks of at most 0.4, by the seed", async () => {
    const found = await rnp.localize(suspect);
    expect(found.scores).toEqual(found.raw);
    for (const u of found.raw.a) expect(u >= 0 && u <= 1).toBe(true);
    const named = found.raw.a.flatMap((u, c) => (Math.fround(1 - u) <= 0.4 ? [c] : []));
    expect(named.length).toBeGreaterThan(0);
    expect(found.native).toEqual({ a: named });
    expect(await rnp.localize(suspect)).toEqual(found);
    expect(await rnp.localize({ ...suspect, seed: 3 })).not.toEqual(found);
  });

  it("says so where unlearning did not get far enough", async () => {
    const sure = cloneState(state);
    const { data } = sure.get("fc.weight")!;
    for (let i = 0; i < data.length; i++) data[i] *= 400;
    const { note } = await rnp.localize({ ...suspect, state: sure, budget: "demo" });
    expect(note).toMatch(/unlearning left clean accuracy at (0\.[3-9]|1)/);
  });
});

describe("batches", () => {
  it("cut a set evenly and leave out little", () => {
    const cut = (count: number) => evenBatch(count, 128);
    expect([1, 7, 20, 128, 250, 500, 1250].map(cut)).toEqual([1, 7, 16, 128, 120, 120, 120]);
  });
});
