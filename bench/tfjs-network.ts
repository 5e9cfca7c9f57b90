import * as tf from "@tensorflow/tfjs-core";
import { foldedBias, foldedWeight } from "../src/graph/folded.ts";
import { classifierOf, inferShapes, type LayerNode, type Network } from "../src/graph/network.ts";
import { meanAbsTap, meanTap } from "../src/graph/programs/infer.ts";

/** What one forward pass gave: `logits`, and where they were asked for the taps, under the keys of `tapProgram`. */
export type Outputs = Record<string, tf.Tensor>;

/**
 * A layer graph with folded weights as TensorFlow.js operators, channels last, each unit one fused convolution. The
 * backend must be set.
 *
 * @param folded what `foldState` gives
 * @param taps whether every neuron's mean over space is computed, as `tapProgram` does
 * @returns images `[N, H, W, C]` → outputs; call it inside `tf.tidy` or dispose what it returns
 */
export function tfjsNetwork(
  network: Network,
  folded: ReadonlyMap<string, Float32Array>,
  taps: boolean,
): (images: tf.Tensor4D) => Outputs {
  const shapes = inferShapes(network);
  const filters = new Map<string, tf.Tensor4D>();
  const biases = new Map<string, tf.Tensor1D>();
  for (const node of network.nodes) {
    if (node.op !== "conv") continue;
    const ohwi = tf.tensor4d(folded.get(foldedWeight(node.id))!, [
      node.out,
      node.kernel,
      node.kernel,
      shapes.get(node.input)![0],
    ]);
    filters.set(node.id, tf.transpose(ohwi, [1, 2, 3, 0]));
    ohwi.dispose();
    biases.set(node.id, tf.tensor1d(folded.get(foldedBias(node.id))!));
  }
  const linear = classifierOf(network);
  const weight = tf.tensor2d(folded.get(`${linear.id}.weight`)!, [linear.out, shapes.get(linear.input)![0]]);
  const bias = tf.tensor1d(folded.get(`${linear.id}.bias`)!);

  return (images) => {
    const values = new Map<string, tf.Tensor>();
    const outputs: Outputs = {};
    const at = (id: string) => values.get(id) as tf.Tensor4D;
    const compute = (node: LayerNode): tf.Tensor => {
      switch (node.op) {
        case "input":
          return images;
        case "conv":
          return tf.fused.conv2d({
            x: at(node.input),
            filter: filters.get(node.id)!,
            strides: node.stride,
            pad: node.padding,
            dimRoundingMode: "floor",
            bias: biases.get(node.id)!,
            activation: node.relu ? "relu" : "linear",
          });
        case "add": {
          const sum = tf.add(at(node.inputs[0]), at(node.inputs[1]));
          return node.relu ? tf.relu(sum) : sum;
        }
        case "maxpool":
          return tf.maxPool(at(node.input), node.kernel, node.stride, node.padding, "floor");
        case "concat":
          return tf.concat(node.inputs.map(at), 3);
        case "globalpool":
          return tf.mean(at(node.input), [1, 2]);
        case "linear":
          return tf.add(tf.matMul(at(node.input) as tf.Tensor, weight, false, true), bias);
        default:
          throw new Error(`no architecture of the benchmarks has '${node.op}'`);
      }
    };
    for (const node of network.nodes) {
      const value = compute(node);
      values.set(node.id, value);
      if (node.op === "linear") outputs.logits = value;
      if (!taps || node.op !== "conv") continue;
      outputs[meanTap(node.id)] = tf.mean(value, [1, 2]);
      if (!node.relu) outputs[meanAbsTap(node.id)] = tf.mean(tf.abs(value), [1, 2]);
    }
    return outputs;
  };
}

/** `[N, C, H, W]` values as a channels-last tensor. */
export function channelsLast(images: Float32Array, { input }: Network): tf.Tensor4D {
  const { channels, height, width } = input;
  const nchw = tf.tensor4d(images, [images.length / (channels * height * width), channels, height, width]);
  const nhwc = tf.transpose(nchw, [0, 2, 3, 1]);
  nchw.dispose();
  return nhwc;
}
