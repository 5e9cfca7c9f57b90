import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { inferShapes, inputsOf, type LayerNode, stateEntries, stateShapes, unitAt } from "../../src/graph/network.ts";
import type { AnyNode, Op } from "../../src/graph/ops/op.ts";
import { OPS } from "../../src/graph/ops/registry.ts";
import { DECODERS } from "./decoders.ts";
import { NETWORKS, network } from "./small-networks.ts";

const networks = [...Object.values(NETWORKS).map(network), ...Object.values(DECODERS)];
const OF_IMAGES = Object.entries(OPS).flatMap(([name, op]) => ((op as Op<AnyNode>).tokens ? [] : [name]));

it.each(Object.keys(OPS))("'%s' is in a small network, whose gradients are held against finite differences", (op) => {
  expect(networks.some(({ nodes }) => nodes.some((node) => node.op === op))).toBe(true);
});

it.each(OF_IMAGES)("'%s' is known to the loader for PyTorch", (op) => {
  const loader = readFileSync(new URL("../../python/load_in_torch.py", import.meta.url), "utf8");
  expect(loader).toContain(`"${op}"`);
});

it("a unit's neurons own entries of the state that training moves, and no others", () => {
  for (const net of networks) {
    const trained = new Map(stateEntries(net).map((entry) => [entry.key, entry.trained]));
    for (const node of net.nodes) {
      const unit = unitAt(net, node);
      for (const { key, axis } of unit?.owned ?? []) {
        expect(trained.get(key), key).toBe(true);
        expect(stateShapes(net).get(key)![axis]).toBe(unit!.width);
      }
      for (const { key } of unit?.statistics ?? []) expect(trained.get(key), key).toBe(false);
    }
  }
});

it("nodes that do not fit are refused by name", () => {
  const net = (...body: LayerNode[]) => network([...NETWORKS["residual block with stride and projection"], ...body]);
  const add: LayerNode = { op: "add", id: "s2", inputs: ["a", "c"], relu: false };
  expect(() => inferShapes(net(add))).toThrow("'s2' adds 16,8,8 and 32,4,4");
  const concat: LayerNode = { op: "concat", id: "s2", inputs: ["a", "c"] };
  expect(() => inferShapes(net(concat))).toThrow("'s2' joins 16×8×8, 32×4×4");
  const early: LayerNode = { op: "globalpool", id: "g2", input: "later" };
  expect(() => inferShapes(net(early))).toThrow("node 'later' is used before it is defined");
  expect(inputsOf(add)).toEqual(["a", "c"]);
});
