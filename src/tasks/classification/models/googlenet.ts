import type { LayerNode, Network } from "../../../graph/network.ts";

/** Channels of one inception block at base width 64; `[reduction, output]` where a 1×1 convolution comes first. */
interface Inception {
  name: string;
  b1: number;
  b2: [reduction: number, out: number];
  b3: [reduction: number, out: number];
  b4: number;
  /** Whether a 3×3 max-pool of stride 2 follows. */
  pooled?: boolean;
}

const STEM = 192;

const BLOCKS: Inception[] = [
  { name: "a3", b1: 64, b2: [96, 128], b3: [16, 32], b4: 32 },
  { name: "b3", b1: 128, b2: [128, 192], b3: [32, 96], b4: 64, pooled: true },
  { name: "a4", b1: 192, b2: [96, 208], b3: [16, 48], b4: 64 },
  { name: "b4", b1: 160, b2: [112, 224], b3: [24, 64], b4: 64 },
  { name: "c4", b1: 128, b2: [128, 256], b3: [24, 64], b4: 64 },
  { name: "d4", b1: 112, b2: [144, 288], b3: [32, 64], b4: 64 },
  { name: "e4", b1: 256, b2: [160, 320], b3: [32, 128], b4: 128, pooled: true },
  { name: "a5", b1: 256, b2: [160, 320], b3: [32, 128], b4: 128 },
  { name: "b5", b1: 384, b2: [192, 384], b3: [48, 128], b4: 128 },
];

/**
 * GoogLeNet for 32×32 images (docs/methods.md §4.1): a 3×3 stem and nine inception blocks, two 3×3 convolutions
 * standing in for the 5×5; every convolution with bias, batch norm and ReLU. Names are those of the common PyTorch
 * CIFAR version.
 *
 * @param baseWidth 64 is the published network (6,166,250 parameters for 10 classes). Every channel count scales by
 *   baseWidth/64, rounded to the nearest whole number (halves up), at least 1.
 */
export function googlenet(baseWidth: number, classes: number): Network {
  const nodes: LayerNode[] = [{ op: "input", id: "input" }];
  const scaled = (channels: number) => Math.max(1, Math.round((channels * baseWidth) / 64));
  /** The convolution at position `at` of a sequence, its batch norm at the next. */
  const conv = (sequence: string, at: number, input: string, channels: number, kernel: number) => {
    const id = `${sequence}.${at}`;
    const shape = { kernel, stride: 1, padding: (kernel - 1) / 2, bias: true, relu: true };
    nodes.push({ op: "conv", id, bn: `${sequence}.${at + 1}`, input, out: scaled(channels), ...shape });
    return id;
  };
  const maxPool = (id: string, input: string, stride: number) => {
    nodes.push({ op: "maxpool", id, input, kernel: 3, stride, padding: 1 });
    return id;
  };

  let current = conv("pre_layers", 0, "input", STEM, 3);
  for (const { name, b1, b2, b3, b4, pooled } of BLOCKS) {
    const inputs = [
      conv(`${name}.b1`, 0, current, b1, 1),
      conv(`${name}.b2`, 3, conv(`${name}.b2`, 0, current, b2[0], 1), b2[1], 3),
      conv(`${name}.b3`, 6, conv(`${name}.b3`, 3, conv(`${name}.b3`, 0, current, b3[0], 1), b3[1], 3), b3[1], 3),
      conv(`${name}.b4`, 1, maxPool(`${name}.b4.0`, current, 1), b4, 1),
    ];
    nodes.push({ op: "concat", id: name, inputs });
    current = pooled ? maxPool(`${name}.maxpool`, name, 2) : name;
  }
  nodes.push({ op: "globalpool", id: "avgpool", input: current });
  nodes.push({ op: "linear", id: "linear", input: "avgpool", out: classes });
  return {
    arch: `googlenet${baseWidth === 64 ? "" : `w${baseWidth}`}`,
    input: { channels: 3, height: 32, width: 32 },
    classes,
    nodes,
  };
}
