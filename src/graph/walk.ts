import { fusedAdditions } from "./fused-additions.ts";
import type { ConvShape, Feature, Gradient, Lowering } from "./lowering/lowering.ts";
import { type AddNode, type ConvUnit, classifierOf, inputsOf, type Network } from "./network.ts";

/** How conv units are lowered: with batch statistics, or with the batch norm folded into the weights. */
export interface UnitRule {
  /** `relu?(unit(x) + sum)`. */
  forward(unit: ConvUnit, x: Feature, fuse: { sum?: Feature; relu: boolean }): Feature;
  /**
   * Emits the unit's parameter gradients and, where `input` is wanted, adds to the gradient of x.
   * @param dy gradient at the unit's output before the residual sum and the ReLU
   */
  backward(unit: ConvUnit, x: Feature, dy: Feature, input: { wanted: boolean; into?: Gradient }): Gradient | undefined;
}

export interface WalkOptions {
  /**
   * Whether a residual addition and its ReLU are fused into the convolution before it. Off where every neuron's own
   * activation is looked at, since the fused form never computes that of a unit which feeds an addition.
   */
  fuse: boolean;
  /** Whether the gradient of the input image is wanted. */
  inputGradient?: boolean;
  /** The units whose parameters' gradients are wanted, where not all are: nothing is computed before the first of them. */
  trained?: ReadonlyMap<string, unknown>;
  /** Whether tied maxima of a disjoint pool share the gradient: wanted where whole channels may be constant. */
  shareTies?: boolean;
  /** Replaces a unit's activation as soon as it is computed. Needs `fuse: false`. */
  intervene?(unit: ConvUnit, activation: Feature): Feature;
}

/** Everything one forward pass computed, and what backward needs of it. */
export interface Forward {
  features: Map<string, Feature>;
  pooled: string;
  logits: string;
}

/** Walks a network forward, then backward, emitting operators through a lowering. */
export class Walk {
  readonly lowering: Lowering;
  readonly network: Network;
  private readonly rule: UnitRule;
  private readonly options: WalkOptions;
  /** Additions that are computed by a conv unit: unit id → addition. */
  private readonly fused: Map<string, AddNode>;

  constructor(lowering: Lowering, network: Network, rule: UnitRule, options: WalkOptions) {
    this.lowering = lowering;
    this.network = network;
    this.rule = rule;
    this.options = options;
    this.fused = options.fuse ? fusedAdditions(network) : new Map();
  }

  /** Declares the classifier's weights once; several forward passes may share them. */
  forward(image: Feature, classifier: { weight: string; bias: string }): Forward {
    return this.forwardFrom(new Map([[this.network.nodes[0].id, image]]), classifier);
  }

  /**
   * Like {@link forward}, from features that are known already.
   *
   * @param given by node id; what the network's first nodes read where they are not the image's
   */
  forwardFrom(given: ReadonlyMap<string, Feature>, classifier: { weight: string; bias: string }): Forward {
    const { lowering, options } = this;
    const features = new Map(given);
    const at = (id: string) => features.get(id)!;
    let pooled = "";
    let logits = "";
    for (const node of this.network.nodes) {
      switch (node.op) {
        case "input":
          break;
        case "conv": {
          const addition = this.fused.get(node.id);
          if (addition) {
            const other = addition.inputs[0] === node.id ? addition.inputs[1] : addition.inputs[0];
            const y = this.rule.forward(node, at(node.input), { sum: at(other), relu: addition.relu });
            features.set(addition.id, y);
          } else {
            const y = this.rule.forward(node, at(node.input), { relu: node.relu });
            features.set(node.id, options.intervene ? options.intervene(node, y) : y);
          }
          break;
        }
        case "add":
          if (!features.has(node.id)) {
            features.set(node.id, lowering.add(at(node.inputs[0]), at(node.inputs[1]), node.relu));
          }
          break;
        case "concat":
          features.set(node.id, lowering.concat(node.inputs.map(at)));
          break;
        case "maxpool":
          features.set(node.id, lowering.maxPool(at(node.input), node));
          break;
        case "globalpool":
          pooled = lowering.globalPool(at(node.input));
          break;
        case "linear":
          logits = lowering.graph.op("Gemm", [pooled, classifier.weight, classifier.bias], { transB: 1 });
          break;
      }
    }
    return { features, pooled, logits };
  }

  /**
   * Walks back from the gradient of the logits.
   *
   * @param onTap told the gradient at every unit's activation (needs `fuse: false`)
   * @returns the gradient at the image where it is wanted
   */
  backward(
    forward: Forward,
    classifierWeight: string,
    dlogits: string,
    onTap?: (unit: ConvUnit, activation: Feature, gradient: Feature) => void,
  ): Feature | undefined {
    return this.backwardFromPooled(forward, this.lowering.graph.op("MatMul", [dlogits, classifierWeight]), onTap);
  }

  /** Like {@link backward}, from the gradient `[n, channels]` of what the classifier reads. */
  backwardFromPooled(
    { features }: Forward,
    dpooled: string,
    onTap?: (unit: ConvUnit, activation: Feature, gradient: Feature) => void,
  ): Feature | undefined {
    const { lowering } = this;
    const gradients = new Map<string, Gradient>();
    const nodes = [...this.network.nodes].reverse();
    const last = classifierOf(this.network);
    const wanted = this.wantedGradients();
    const take = (id: string) => lowering.settle(gradients.get(id)!, features.get(id)!);
    const give = (id: string, dy: Feature) => {
      if (wanted.has(id)) gradients.set(id, lowering.accumulate(gradients.get(id), dy));
    };
    // Before all else: of an operator's inputs the runtime first computes the one that was added last. A gate is to be computed
    // when its gradient is there, not all gates before the first gradient.
    const gates = new Map<string, Feature>();
    for (const node of this.network.nodes) {
      const y = features.get(node.id);
      if (y && (node.op === "conv" || node.op === "add") && node.relu && wanted.has(node.id)) {
        gates.set(node.id, lowering.reluGate(y));
      }
    }
    for (const node of nodes) {
      // The runtime would compute it though nobody reads it.
      if (!wanted.has(node.id)) continue;
      switch (node.op) {
        case "linear":
          break;
        case "globalpool": {
          if (last.input !== node.id) throw new Error("the classifier must follow the global pooling");
          give(node.input, lowering.globalPoolGradient(dpooled, features.get(node.input)!));
          break;
        }
        case "maxpool": {
          const [x, y] = [features.get(node.input)!, features.get(node.id)!];
          give(node.input, lowering.maxPoolGradient(take(node.id), x, y, node, this.options.shareTies));
          break;
        }
        case "concat": {
          const parts = lowering.splitChannels(
            take(node.id),
            node.inputs.map((id) => features.get(id)!),
          );
          for (const [i, input] of node.inputs.entries()) give(input, parts[i]);
          break;
        }
        case "add": {
          const dy = node.relu ? lowering.reluGradient(take(node.id), gates.get(node.id)!) : take(node.id);
          for (const input of node.inputs) give(input, dy);
          break;
        }
        case "conv": {
          let dy: Feature;
          const y = features.get(node.id);
          if (y) {
            dy = take(node.id);
            onTap?.(node, y, dy);
            if (node.relu) dy = lowering.reluGradient(dy, gates.get(node.id)!);
          } else {
            const addition = features.get(this.fused.get(node.id)!.id)!;
            dy = lowering.settle(gradients.get(node.id)!, addition);
          }
          const input = { wanted: wanted.has(node.input), into: gradients.get(node.input) };
          const gradient = this.rule.backward(node, features.get(node.input)!, dy, input);
          if (gradient) gradients.set(node.input, gradient);
          break;
        }
        case "input":
          return take(node.id);
      }
    }
    return undefined;
  }

  /** The nodes at whose output a gradient is wanted: those that a trained unit, or a wanted image, reaches. */
  private wantedGradients(): Set<string> {
    const { trained, inputGradient } = this.options;
    const wanted = new Set<string>();
    for (const node of this.network.nodes) {
      const own =
        node.op === "input" ? inputGradient === true : node.op === "conv" && (!trained || trained.has(node.id));
      if (own || node.op === "linear" || inputsOf(node).some((id) => wanted.has(id))) wanted.add(node.id);
    }
    return wanted;
  }
}

export function convShape(unit: ConvUnit): ConvShape {
  return { out: unit.out, kernel: unit.kernel, stride: unit.stride, padding: unit.padding };
}
