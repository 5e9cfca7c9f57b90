import { describe, expect, it } from "vitest";
import { convUnits, inputsOf } from "../../src/graph/network.ts";
import { cutPoints, downstreamOf, partBetween, poolsOf, whereHeld, whereRead } from "../../src/graph/suffix.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";

const residual = buildNetwork("resnet18w4", 10);
const inception = buildNetwork("googlenetw4", 10);

describe("parts of a network", () => {
  it("what follows a unit of a residual block is the block's rest, the other summand being given", () => {
    const first = downstreamOf(residual, "layer2.0.conv1");
    const ids = first.nodes.map(({ id }) => id);
    expect(ids.slice(0, 1)).toEqual(["layer2.0.conv2"]);
    expect(ids).not.toContain("layer2.0.shortcut.0");
    expect(ids).toContain("layer4.1.conv2");
    expect(first.reads).toEqual(["layer2.0.conv1", "layer2.0.shortcut.0"]);
  });

  it("what follows a branch of an inception block leaves the other branches out", () => {
    const { nodes, reads } = downstreamOf(inception, "c4.b2.0");
    expect(nodes[0].id).toBe("c4.b2.3");
    expect(nodes.map(({ id }) => id)).not.toContain("c4.b3.6");
    expect(new Set(reads)).toEqual(new Set(["c4.b2.0", "c4.b1.0", "c4.b3.6", "c4.b4.1"]));
  });

  it.each([residual, inception])("every part reads only what it has or says that it reads: $arch", (network) => {
    for (const { id } of convUnits(network)) {
      const { nodes, reads } = downstreamOf(network, id);
      const known = new Set(reads);
      for (const node of nodes) {
        for (const input of inputsOf(node)) expect(known.has(input), `${id}: ${node.id} reads ${input}`).toBe(true);
        known.add(node.id);
      }
      expect(nodes.at(-1)!.op).toBe("linear");
    }
  });

  it("stretches between cut points cover the network up to its head", () => {
    const cuts = [inception.nodes[0].id, ...cutPoints(inception).filter((id) => id !== inception.nodes[0].id)];
    const covered = cuts.slice(1).flatMap((end, i) => partBetween(inception, cuts[i], end).nodes.map(({ id }) => id));
    expect(covered).toEqual(inception.nodes.slice(1, -2).map(({ id }) => id));
  });

  it("a channel is read in the concatenation that alone reads its unit, behind the units before it", () => {
    const widths = new Map(convUnits(inception).map(({ id, out }) => [id, out]));
    expect(whereRead(inception, { id: "a4.b2.3", channel: 1 })).toEqual({
      id: "a4",
      channel: widths.get("a4.b1.0")! + 1,
    });
    expect(whereRead(inception, { id: "a4.b2.0", channel: 1 })).toEqual({ id: "a4.b2.0", channel: 1 });
    expect(whereRead(residual, { id: "layer1.0.conv2", channel: 2 })).toEqual({ id: "layer1.0.conv2", channel: 2 });
  });

  it("a channel that is one number everywhere is so behind max-pools, and no pool of it is run again", () => {
    const vgg = buildNetwork("vgg13w4", 10);
    expect(whereHeld(vgg, { id: "features.3", channel: 2 })).toEqual({ id: "features.6", channel: 2 });
    expect(whereHeld(vgg, { id: "features.0", channel: 2 })).toEqual({ id: "features.0", channel: 2 });
    const held = whereHeld(inception, { id: "b3.b1.0", channel: 1 });
    expect(held).toEqual({ id: "b3.maxpool", channel: 1 });
    const pools = poolsOf(inception, held.id);
    expect(pools).toEqual(["a4.b4.0"]);
    const { nodes, reads } = downstreamOf(inception, held.id, pools);
    expect(reads).toEqual(["b3.maxpool", "a4.b4.0"]);
    const ids = nodes.map(({ id }) => id);
    expect(ids).toContain("a4.b4.1");
    expect(ids).not.toContain("a4.b4.0");
  });
});
