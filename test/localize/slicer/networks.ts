import type { ConvUnit, LayerNode, Network } from "../../../src/graph/network.ts";

/** Tiny networks that have every kind of node, all over maps of one size. */

function conv(id: string, input: string, out: number, kernel: number, relu: boolean, bias = false): ConvUnit {
  return { op: "conv", id, bn: `${id}.bn`, input, out, kernel, stride: 1, padding: (kernel - 1) / 2, bias, relu };
}

/** Residual additions, a concatenation behind them, and max-pools of a 3×3 window. @param kernel of the convolutions */
export function mixedNetwork(side: number, kernel: number): Network {
  const nodes: LayerNode[] = [
    { op: "input", id: "image" },
    conv("stem", "image", 5, kernel, true),
    conv("a.1", "stem", 4, kernel, true),
    conv("a.2", "a.1", 5, kernel, false),
    { op: "add", id: "a", inputs: ["a.2", "stem"], relu: true },
    conv("b.1", "a", 3, 1, true, true),
    conv("b.2", "a", 2, kernel, true),
    { op: "maxpool", id: "b.pool", input: "a", kernel: 3, stride: 1, padding: 1 },
    conv("b.3", "b.pool", 2, 1, true),
    { op: "concat", id: "b", inputs: ["b.1", "b.2", "b.3"] },
    conv("c.1", "b", 6, kernel, false),
    conv("c.shortcut", "b", 6, 1, false),
    { op: "add", id: "c", inputs: ["c.1", "c.shortcut"], relu: true },
    { op: "globalpool", id: "pool", input: "c" },
    { op: "linear", id: "fc", input: "pool", out: 4 },
  ];
  return { arch: `mixed-${side}-${kernel}`, input: { channels: 3, height: side, width: side }, classes: 4, nodes };
}
