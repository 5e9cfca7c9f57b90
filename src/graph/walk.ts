import { fusedAdditions } from "./fused-additions.ts";
import type { Feature, Gradient, Lowering } from "./lowering/lowering.ts";
import { classifierOf, inputsOf, type Network, outputWeight, type Weighted } from "./network.ts";
import type { AddNode } from "./ops/add.ts";
import { gradientBehind } from "./ops/linear.ts";
import type { BackwardPass, ForwardPass } from "./ops/op.ts";
import { opOf } from "./ops/registry.ts";
import type { UnitRule } from "./unit-rule.ts";

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
  intervene?(unit: Weighted, activation: Feature): Feature;
}

/** Everything one forward pass computed, and what backward needs of it. */
export interface Forward {
  features: Map<string, Feature>;
  /** `[n, channels]` of every node whose output is flat. */
  vectors: Map<string, string>;
  /** What nodes keep for their backward pass, by id. */
  kept: Map<string, unknown>;
  /** What the classifier reads, and what it puts out; empty in a part of a network that has none. */
  pooled: string;
  logits: string;
}

/** Told the gradient at a unit's activation. */
export type OnTap = (unit: Weighted, activation: Feature, gradient: Feature) => void;

export interface BackwardOptions {
  /** Told the gradient at every unit's activation (needs `fuse: false`). */
  onTap?: OnTap;
  /** Gradients that reach nodes from elsewhere than the network's output, by node id. */
  also?: ReadonlyMap<string, Feature>;
}

/**
 * Walks a network forward, then backward, emitting operators through a lowering. The linear layers' weights are graph values
 * under their state-dict names, which the caller declares.
 */
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

  forward(image: Feature): Forward {
    return this.forwardFrom(new Map([[this.network.nodes[0].id, image]]));
  }

  /**
   * Like {@link forward}, from features that are known already.
   *
   * @param given by node id; what the network's first nodes read where they are not the image's
   */
  forwardFrom(given: ReadonlyMap<string, Feature>): Forward {
    const { lowering, rule, fused, options, network } = this;
    const features = new Map(given);
    const vectors = new Map<string, string>();
    const kept = new Map<string, unknown>();
    const pass: ForwardPass = {
      lowering,
      rule,
      fused,
      feature: (id) => features.get(id)!,
      vector(id) {
        const vector = vectors.get(id) ?? lowering.toVector(features.get(id)!);
        vectors.set(id, vector);
        return vector;
      },
      isKnown: (id) => features.has(id),
      put(id, output) {
        if (typeof output === "string") vectors.set(id, output);
        else features.set(id, output);
      },
      intervened: (unit, activation) => (options.intervene ? options.intervene(unit, activation) : activation),
      parameter(key, shape) {
        if (!rule.parameter) throw new Error(`${network.arch}: this program is not for sequences`);
        return rule.parameter(key, shape);
      },
      keep: (id, values) => void kept.set(id, values),
    };
    for (const node of network.nodes) opOf(node).forward(node, pass);
    const last = network.nodes[network.nodes.length - 1];
    const ofClassifier = (id: (classifier: { id: string; input: string }) => string) =>
      last?.op === "linear" ? vectors.get(id(last))! : "";
    const [pooled, logits] = [ofClassifier(({ input }) => input), ofClassifier(({ id }) => id)];
    return { features, vectors, kept, pooled, logits };
  }

  /**
   * Walks back from the gradient of the logits.
   *
   * @returns the gradient at the image where it is wanted
   */
  backward(forward: Forward, dlogits: string, options?: BackwardOptions): Feature | undefined {
    const head = classifierOf(this.network);
    const dpooled = gradientBehind(this.lowering.graph, head, dlogits, outputWeight(head));
    return this.backwardFromPooled(forward, dpooled, options);
  }

  /** Like {@link backward}, from the gradient `[n, channels]` of what the classifier reads. */
  backwardFromPooled(forward: Forward, dpooled: string, options?: BackwardOptions): Feature | undefined {
    const last = classifierOf(this.network).input;
    const read = forward.features.get(last);
    return this.backwardFrom(forward, last, dpooled, read && (() => this.lowering.fromVector(dpooled, read)), options);
  }

  /** Like {@link backward}, from the gradient of the last node's output, in a part of a network without classifier. */
  backwardFromFeature(forward: Forward, gradient: Feature, options?: BackwardOptions): Feature | undefined {
    const { nodes } = this.network;
    return this.backwardFrom(forward, nodes[nodes.length - 1].id, undefined, () => gradient, options);
  }

  /**
   * @param vector the gradient at the node where its output is flat
   * @param feature makes it where its output is a feature
   */
  private backwardFrom(
    { features, kept }: Forward,
    last: string,
    vector: string | undefined,
    feature: (() => Feature) | undefined,
    { onTap, also = new Map() }: BackwardOptions = {},
  ): Feature | undefined {
    const { lowering, rule, fused, options, network } = this;
    const gradients = new Map<string, Gradient>();
    const vectorGradients = new Map(vector === undefined ? [] : [[last, vector]]);
    const wanted = this.wantedGradients();
    // Before all else: of an operator's inputs the runtime first computes the one that was added last. A gate is to be computed
    // when its gradient is there, not all gates before the first gradient.
    const gates = new Map<string, Feature>();
    for (const node of network.nodes) {
      const y = features.get(node.id);
      if (y && "relu" in node && node.relu && wanted.has(node.id)) gates.set(node.id, lowering.reluGate(y));
    }
    if (feature && wanted.has(last)) gradients.set(last, lowering.accumulate(undefined, feature()));
    for (const [id, given] of also)
      if (wanted.has(id)) gradients.set(id, lowering.accumulate(gradients.get(id), given));
    const pass: BackwardPass = {
      lowering,
      rule,
      fused,
      shareTies: options.shareTies ?? false,
      feature: (id) => features.get(id)!,
      isKnown: (id) => features.has(id),
      take: (id, like = id) => lowering.settle(gradients.get(id)!, features.get(like)!),
      takeVector(id) {
        const gradient = vectorGradients.get(id);
        if (gradient === undefined) throw new Error(`no gradient reaches '${id}': the classifier must follow it`);
        return gradient;
      },
      beforeRelu: (id, dy) => lowering.reluGradient(dy, gates.get(id)!),
      give(id, dy) {
        if (wanted.has(id)) gradients.set(id, lowering.accumulate(gradients.get(id), dy));
      },
      addTo(id, add) {
        const gradient = add({ wanted: wanted.has(id), into: gradients.get(id) });
        if (gradient) gradients.set(id, gradient);
      },
      tapped: (unit, dy) => onTap?.(unit, features.get(unit.id)!, dy),
      wants: (id) => wanted.has(id),
      kept: <T>(id: string) => kept.get(id) as T,
      matrixGradient: (...of) => rule.matrixGradient?.(...of),
      vectorGradient: (...of) => rule.vectorGradient?.(...of),
      lookupGradient: (...of) => rule.lookupGradient?.(...of),
    };
    // Where nobody wants a node's gradient, the runtime would compute it though nobody reads it.
    for (const node of [...network.nodes].reverse()) if (wanted.has(node.id)) opOf(node).backward(node, pass);
    const image = network.nodes[0].id;
    return wanted.has(image) ? pass.take(image) : undefined;
  }

  /** The nodes at whose output a gradient is wanted: those that a trained unit, or a wanted image, reaches. */
  private wantedGradients(): Set<string> {
    const { trained, inputGradient } = this.options;
    const wanted = new Set<string>();
    for (const node of this.network.nodes) {
      const isTrained = opOf(node).state !== undefined && (!trained || trained.has(node.id));
      const own = node.op === "input" ? inputGradient === true : isTrained || node.op === "linear";
      if (own || inputsOf(node).some((id) => wanted.has(id))) wanted.add(node.id);
    }
    return wanted;
  }
}
