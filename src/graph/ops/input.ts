import type { Op } from "./op.ts";

export interface InputNode {
  op: "input";
  id: string;
}

/** The image. */
export const input: Op<InputNode> = {
  inputs: () => [],
  infer: (_, __, { input: { channels, height, width } }) => [channels, height, width],
  channels: "own",
  // It is put in before the pass begins, and what reaches it is what the pass returns.
  forward: () => undefined,
  backward: () => undefined,
  onnx: (_, file) => file.image(),
};
