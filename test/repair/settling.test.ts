import { afterAll, describe, expect, it } from "vitest";
import { mean } from "../../src/core/statistics.ts";
import { outputsOf } from "../../src/graph/network.ts";
import { maskNeurons } from "../../src/measure/mask.ts";
import { crossEntropies } from "../../src/repair/outputs.ts";
import { settle } from "../../src/repair/settling.ts";
import { cloneState, type StateDict } from "../../src/tensor/state.ts";
import { colours, toySuspect, widePatchedModel } from "../localize/toys.ts";

const IDLE = 40;

/** A linear model of which neurons 1 to 3 tell the colours. */
describe("settling after cuts", () => {
  const { network, state } = widePatchedModel(IDLE);
  const suspect = toySuspect(network, state, 1);
  suspect.clean.fit = colours(200, 3, 1);
  afterAll(() => suspect.runner.release());
  const cut = { a: [2, 10] };
  const start = maskNeurons(network, state, cut);
  const lossOf = async (of: StateDict) => {
    const outputs = await suspect.runner.outputs(of, suspect.clean.fit);
    return mean(Array.from(crossEntropies(outputs, outputsOf(network), suspect.clean.fit.labels)));
  };

  it("wins back what a cut cost clean images, by neurons that were left alone", async () => {
    const before = cloneState(start);
    const settled = await settle(suspect, start, cut);
    expect(await lossOf(start)).toBeGreaterThan(await lossOf(state));
    expect(await lossOf(settled)).toBeLessThan(await lossOf(start));
    expect(settled).toEqual(maskNeurons(network, settled, cut));
    for (const key of ["fc.weight", "fc.bias", "bn.running_mean"]) expect(settled.get(key)).toEqual(start.get(key));
    expect(start).toEqual(before);
    expect(await settle(suspect, start, cut)).toEqual(settled);
  });
});
