import type { ConvUnit, LayerNode, Network } from "../../../graph/network.ts";
import type { InputSize } from "../dataset.ts";
import { REDUCED_INPUT } from "../dataset.ts";
import { FULL_GRID, type LaneGrid, logitsOf, REDUCED_GRID } from "../labels.ts";

/** The released networks' input, in pixels. */
export const FULL_INPUT: InputSize = { height: 288, width: 800 };

/** Base width of the released network. */
const FULL_WIDTH = 64;
/** Channels that the head reads, whatever the width. */
const HEAD_CHANNELS = 8;
/** Units of the hidden layer for each channel of the first stage. */
const HIDDEN_PER_WIDTH = 32;

/** Grid and input of a base width: the released network has its own, all others the reduced ones. */
export function ufldLayout(baseWidth: number): { grid: LaneGrid; input: InputSize } {
  return baseWidth === FULL_WIDTH
    ? { grid: FULL_GRID, input: FULL_INPUT }
    : { grid: REDUCED_GRID, input: REDUCED_INPUT };
}

/**
 * Ultra-Fast-Lane-Detection with a ResNet-18 trunk (Qin et al., ECCV 2020), without the auxiliary branch of its training. Names are
 * those of the released checkpoints.
 *
 * The trunk ends in a 1×1 convolution to eight channels. Their positions are flattened and go through one hidden layer with ReLU. The
 * logits are `[cells + 1, rows, 4]`.
 *
 * The released network has width 64, 61,225,640 parameters, an input of 288×800 and a 7×7 stem with a max-pool. At other widths the input
 * is 72×200 and the stem is a 3×3 convolution of stride 2, so that the stages see as many positions per pixel of a lane.
 */
export function ufld18(baseWidth: number): Network {
  const isFull = baseWidth === FULL_WIDTH;
  const { grid, input } = ufldLayout(baseWidth);
  const nodes: LayerNode[] = [{ op: "input", id: "input" }];
  const conv = (unit: Omit<ConvUnit, "op" | "padding" | "bias">) => {
    nodes.push({ op: "conv", ...unit, padding: (unit.kernel - 1) / 2, bias: false });
    return unit.id;
  };

  const stem = { id: "model.conv1", bn: "model.bn1", input: "input", out: baseWidth, stride: 2, relu: true };
  let current = conv({ ...stem, kernel: isFull ? 7 : 3 });
  if (isFull) {
    nodes.push({ op: "maxpool", id: "model.maxpool", input: current, kernel: 3, stride: 2, padding: 1 });
    current = "model.maxpool";
  }
  for (let stage = 1; stage <= 4; stage++) {
    const out = baseWidth << (stage - 1);
    for (let block = 0; block < 2; block++) {
      const name = `model.layer${stage}.${block}`;
      const isNarrowing = stage > 1 && block === 0;
      const stride = isNarrowing ? 2 : 1;
      const part = (i: 1 | 2, input: string, stride: number, relu: boolean) =>
        conv({ id: `${name}.conv${i}`, bn: `${name}.bn${i}`, input, out, kernel: 3, stride, relu });
      const second = part(2, part(1, current, stride, true), 1, false);
      const [projection, bn] = [`${name}.downsample.0`, `${name}.downsample.1`];
      const shortcut = isNarrowing
        ? conv({ id: projection, bn, input: current, out, kernel: 1, stride, relu: false })
        : current;
      nodes.push({ op: "add", id: name, inputs: [second, shortcut], relu: true });
      current = name;
    }
  }
  const logits = logitsOf(grid);
  nodes.push(
    { op: "plainconv", id: "pool", input: current, out: HEAD_CHANNELS, kernel: 1, stride: 1, padding: 0, relu: false },
    { op: "flatten", id: "flat", input: "pool" },
    { op: "dense", id: "cls.0", input: "flat", out: HIDDEN_PER_WIDTH * baseWidth, relu: true },
    { op: "linear", id: "cls.2", input: "cls.0", out: logits },
  );
  return {
    arch: isFull ? "ufld18" : `ufld18w${baseWidth}`,
    input: { channels: 3, ...input },
    classes: logits,
    nodes,
  };
}
