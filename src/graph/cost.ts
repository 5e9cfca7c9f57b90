import { inferShapes, type LayerNode, type Network, stateShapes } from "./network.ts";

/** Multiply-adds of one image's forward pass: those of convolutions and classifier, which all else is small beside. @param nodes a part of it */
export function multiplyAdds(network: Network, nodes: readonly LayerNode[] = network.nodes): number {
  const shapes = inferShapes(network);
  let sum = 0;
  for (const node of nodes) {
    if (node.op === "linear") sum += node.out * shapes.get(node.input)![0];
    if (node.op !== "conv") continue;
    const [out, height, width] = shapes.get(node.id)!;
    sum += out * height * width * shapes.get(node.input)![0] * node.kernel ** 2;
  }
  return sum;
}

/** Values that one image's forward pass produces, summed over all nodes. */
export function activationValues(network: Network): number {
  let sum = 0;
  for (const [channels, height, width] of inferShapes(network).values()) sum += channels * height * width;
  return sum;
}

/** Bytes of the activations of a batch that a gradient needs again. */
export function activationBytes(network: Network, batch: number): number {
  return activationValues(network) * batch * Float32Array.BYTES_PER_ELEMENT;
}

/** Values that the state dict holds. */
export function stateValues(network: Network): number {
  let sum = 0;
  for (const shape of stateShapes(network).values()) sum += shape.reduce((product, n) => product * n, 1);
  return sum;
}
