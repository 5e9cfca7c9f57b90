import { describe, expect, it } from "vitest";
import { listNeurons } from "../../src/core/neurons.ts";
import { dispensable, type Spending } from "../../src/repair/dispensable.ts";
import { fakeRunner, images, layers, network, randomState, ranking, suspectOf } from "../localize/suspects.ts";

const FREE: Spending = { each: Number.POSITIVE_INFINITY, all: Number.POSITIVE_INFINITY };

/**
 * By how much a cut raises the clean loss; a fall is negative. Neurons that are not named do nothing.
 *
 * @param spread by how much a cut of a named neuron raises the loss of every other image besides, and lowers that of the rest
 */
function suspectOfCosts(costs: Record<string, number>, spread = 0) {
  const suspect = suspectOf(randomState(4));
  const labels = new Uint8Array(60);
  suspect.clean = { fit: { ...images(60), labels }, threshold: { ...images(40), labels: labels.subarray(0, 40) } };
  let looks = 0;
  suspect.runner = fakeRunner({
    outputs: async (state, set) => {
      // All clean images count, those of both halves.
      expect(set.count).toBe(100);
      looks++;
      let [loss, apart] = [1, 0];
      for (const [neuron, cost] of Object.entries(costs)) {
        const [layer, c] = neuron.split(":");
        const node = network.nodes.find((one) => one.id === layer)!;
        if ("bn" in node && state.get(`${node.bn}.weight`)!.data[Number(c)] === 0) {
          loss += cost;
          apart = spread;
        }
      }
      // The cross-entropy with class 0 where all other logits are 0: log(1 + 9·e^−x).
      const logit = (of: number) => -Math.log((Math.exp(of) - 1) / 9);
      const logits = [logit(loss + apart), logit(loss - apart)];
      return Float32Array.from({ length: 10 * set.count }, (_, k) => (k % 10 === 0 ? logits[(k / 10) % 2] : 0));
    },
  });
  return { suspect, looks: () => looks };
}

const [first, narrow] = layers;
const last = layers.at(-1)!;
const named = (layer: { name: string }, ...channels: number[]) => channels.map((c) => `${layer.name}:${c}`);

async function cutOf(
  costs: Record<string, number>,
  order: readonly string[],
  spending: Spending,
  among = order.length,
  spread = 0,
) {
  const { suspect } = suspectOfCosts(costs, spread);
  return listNeurons(await dispensable(suspect, ranking(order), among, spending));
}

describe("neurons that clean images do without", () => {
  const [a, b, c, d] = named(last, 4, 2, 7, 1);

  it("are those whose cut costs no more than one may, in the order of suspicion", async () => {
    expect(await cutOf({ [a]: 0.004, [b]: 0.02, [c]: 0 }, [a, b, c], { each: 0.005, all: 1 })).toEqual([a, c].sort());
    expect(await cutOf({ [a]: 0.02 }, [a], { each: 0.005, all: 1 })).toEqual([]);
  });

  it("cost no more than all may, and a fall is no credit", async () => {
    const costs = { [a]: -0.5, [b]: 0.004, [c]: 0.004, [d]: 0.004 };
    const order = [a, b, c, d];
    expect(await cutOf(costs, order, { each: 0.005, all: 0.01 })).toEqual([a, b, c].sort());
    // What is dear is passed over, and the next that is cheap is not.
    expect(await cutOf({ ...costs, [d]: 0.001 }, order, { each: 0.005, all: 0.01 })).toEqual([...order].sort());
    expect(await cutOf(costs, order, { each: 0, all: 0 })).toEqual([a]);
  });

  it("make no image much worse where that is asked", async () => {
    const costs = { [a]: -0.5, [b]: 0.03, [c]: 0.05 };
    expect(await cutOf(costs, [a, b, c], { ...FREE, harm: 0.04 })).toEqual([a, b].sort());
    // Half of the images gain what the others lose: the mean stays, and the harm is half of it.
    expect(await cutOf({ [a]: 0 }, [a], { each: 0.001, all: 0.001, harm: 0.04 }, 1, 0.1)).toEqual([]);
    expect(await cutOf({ [a]: 0 }, [a], { each: 0.001, all: 0.001, harm: 0.06 }, 1, 0.1)).toEqual([a]);
  });

  it("are sought among the most suspicious alone", async () => {
    expect(await cutOf({}, [a, b, c], FREE, 2)).toEqual([a, b].sort());
    const { suspect, looks } = suspectOfCosts({});
    await dispensable(suspect, ranking([a, b, c]), 2, FREE);
    expect(looks()).toBe(3);
  });

  it("never are all of a layer", async () => {
    const all = named(narrow, ...Array(narrow.width).keys());
    const cut = await cutOf({}, [...all, ...named(first, 0)], FREE);
    expect(cut).toEqual([...named(first, 0), ...all.slice(0, -1)]);
  });
});
