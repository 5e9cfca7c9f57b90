import { inferShapes, inputsOf, type Network } from "../../graph/network.ts";

/** A run of channels of a unit, as part of what a convolution or the classifier reads. */
export interface SourceRun {
  unit: string;
  /** First channel of the run among those that are read. */
  at: number;
  channels: number;
}

/** Which units' channels every convolution and the classifier read, with pools, additions and concatenations seen through. */
export function sourcesOf(network: Network): Map<string, SourceRun[]> {
  const shapes = inferShapes(network);
  /** What a node's output is made of. */
  const made = new Map<string, SourceRun[]>();
  const read = new Map<string, SourceRun[]>();
  for (const node of network.nodes) {
    const inputs = inputsOf(node).map((id) => made.get(id)!);
    switch (node.op) {
      case "input":
        made.set(node.id, []);
        break;
      case "conv":
        read.set(node.id, inputs[0]);
        made.set(node.id, [{ unit: node.id, at: 0, channels: node.out }]);
        break;
      case "linear":
        read.set(node.id, inputs[0]);
        break;
      case "concat": {
        let start = 0;
        const runs: SourceRun[] = [];
        for (const [i, part] of inputs.entries()) {
          for (const run of part) runs.push({ ...run, at: run.at + start });
          start += shapes.get(node.inputs[i])![0];
        }
        made.set(node.id, runs);
        break;
      }
      default:
        made.set(node.id, inputs.flat());
    }
  }
  return read;
}
