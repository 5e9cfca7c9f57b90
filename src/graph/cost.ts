import { inferShapes, inputsOf, type LayerNode, type Network, stateShapes } from "./network.ts";
import { opOf } from "./ops/registry.ts";

/** Multiply-adds of one image's forward pass: those of convolutions and classifier, which all else is small beside. @param nodes a part of it */
export function multiplyAdds(network: Network, nodes: readonly LayerNode[] = network.nodes): number {
  const shapes = inferShapes(network);
  return nodes.reduce((sum, node) => {
    const inputs = inputsOf(node).map((id) => shapes.get(id)!);
    return sum + (opOf(node).multiplyAdds?.(node, inputs, shapes.get(node.id)!) ?? 0);
  }, 0);
}

/** Values that one image's forward pass produces, summed over all nodes. @param nodes a part of it */
export function activationValues(network: Network, nodes: readonly LayerNode[] = network.nodes): number {
  const shapes = inferShapes(network);
  return nodes.reduce((sum, { id }) => sum + shapes.get(id)!.reduce((product, n) => product * n, 1), 0);
}

/**
 * What reading and writing a value costs beside a multiply-add: fitted to the seconds that gradients of the four
 * architectures take at base width 16. Narrow networks, and pools above all, are bound by it.
 */
const MULTIPLY_ADDS_PER_VALUE = 500;

/** What one image's gradient costs, counted: forward multiply-adds, and the values that a forward pass produces as such. */
export function gradientWork(network: Network): number {
  return multiplyAdds(network) + MULTIPLY_ADDS_PER_VALUE * activationValues(network);
}

/** Bytes of the activations of a batch, all that a gradient needs again. @param nodes a part of the network */
export function activationBytes(network: Network, batch: number, nodes?: readonly LayerNode[]): number {
  return activationValues(network, nodes) * batch * Float32Array.BYTES_PER_ELEMENT;
}

/** Values that the state dict holds. */
export function stateValues(network: Network): number {
  let sum = 0;
  for (const shape of stateShapes(network).values()) sum += shape.reduce((product, n) => product * n, 1);
  return sum;
}
