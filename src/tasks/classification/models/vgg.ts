import type { LayerNode, Network } from "../../../graph/network.ts";

/** Channels of a VGG's stages in units of the base width; a stage ends in a 2×2 max-pool. */
const STAGES = [1, 2, 4, 8, 8];

/**
 * A VGG trunk for 32×32 images (docs/methods.md §4.1): stages of 3×3 convolutions with bias, batch norm and ReLU, a 2×2
 * max-pool after each, down to 1×1, and one linear classifier. Names are positions in PyTorch's `features` sequence, in
 * which convolution, batch norm, ReLU and pool each count.
 *
 * @param depths convolutions in each of the five stages
 */
export function vgg(name: string, depths: readonly number[], baseWidth: number, classes: number): Network {
  const nodes: LayerNode[] = [{ op: "input", id: "input" }];
  let position = 0;
  let current = "input";
  for (const [stage, depth] of depths.entries()) {
    for (let i = 0; i < depth; i++) {
      const id = `features.${position}`;
      const shape = { kernel: 3, stride: 1, padding: 1, bias: true, relu: true };
      const out = STAGES[stage] * baseWidth;
      nodes.push({ op: "conv", id, bn: `features.${position + 1}`, input: current, out, ...shape });
      current = id;
      position += 3;
    }
    const pool = `features.${position}`;
    nodes.push({ op: "maxpool", id: pool, input: current, kernel: 2, stride: 2, padding: 0 });
    current = pool;
    position += 1;
  }
  // PyTorch's version ends in a 1×1 average pool, which changes nothing: over one position the mean is the value.
  const pool = `features.${position}`;
  nodes.push({ op: "globalpool", id: pool, input: current });
  nodes.push({ op: "linear", id: "classifier", input: pool, out: classes });
  return {
    arch: `${name}${baseWidth === 64 ? "" : `w${baseWidth}`}`,
    input: { channels: 3, height: 32, width: 32 },
    classes,
    nodes,
  };
}
