import { foldedBias, foldedWeight } from "../folded.ts";
import { fusedAdditions } from "../fused-additions.ts";
import type { Feature, Lowering } from "../lowering/lowering.ts";
import {
  type AddNode,
  type ConcatNode,
  inferShapes,
  inputsOf,
  type LayerNode,
  type Network,
  type Weighted,
} from "../network.ts";
import type { Program } from "../onnx.ts";
import { convShape } from "../ops/weighted.ts";
import { declareClassifier } from "./classifier.ts";

/** Names of the graph inputs besides folded weights: see {@link changeProgram}. */
export const ROWS = "rows";
export const BEFORE = "before";
export const AFTER = "after";
export const BASE_LOGITS = "base_logits";
export const normKept = (unit: string) => `${unit}#norm_kept`;
export const featureKept = (node: string) => `${node}#feature_kept`;
export const otherInput = (addition: string) => `${addition}#other`;
export const columnInput = (node: string) => `${node}#column`;
export const spotInput = (node: string) => `${node}#spot`;

/** What a change program has to be fed. Offsets: where the unit's channel 0 lies among a node's input channels. */
export interface ChangeNeeds {
  /** Units whose batch-norm output on the unchanged way is added to, as kept by the same kind of lowering. */
  norms: Set<string>;
  /** Nodes whose features on the unchanged way are read, likewise. */
  features: Set<string>;
  /** Additions reached by the one channel: whose channel is the other addend. */
  others: Map<string, { node: string; offset: number }>;
  /** Convolutions and the classifier, of whose weights only those of the one channel are needed. */
  columns: Map<string, number>;
  /** Nodes of whose channels one is marked with a 1. */
  spots: Map<string, number>;
}

/** How far a node is from the unchanged way: in one channel, before and after as `[batch, 1, H, W]`, or anywhere. */
type Reach = { kind: "one"; before: string; after: string; offset: number } | { kind: "many"; feature: Feature };

/**
 * What follows a unit when one channel of it changes: per image the channel's activation `before` and `after`
 * `[batch, 1, H, W]`, and in `rows` `[batch]` which of `count` images it is. A convolution that reads a feature with one
 * changed channel is the unchanged batch-norm output plus the convolution of the change alone, a filter with a single
 * input channel; pools, additions and concatenations work on that channel as long as it is one. Output `logits`.
 *
 * The weights of the channel are inputs (`<node>#column`), so one program serves all channels of the unit.
 */
export function changeProgram(
  lowering: Lowering,
  network: Network,
  unit: string,
  count: number,
): { program: Program; needs: ChangeNeeds } {
  const walk = new ChangeWalk(lowering, network, count);
  walk.run(unit);
  return { program: lowering.graph.finish(), needs: walk.needs };
}

class ChangeWalk {
  readonly needs: ChangeNeeds = {
    norms: new Set(),
    features: new Set(),
    others: new Map(),
    columns: new Map(),
    spots: new Map(),
  };
  private readonly lowering: Lowering;
  private readonly network: Network;
  private readonly count: number;
  private readonly shapes: ReturnType<typeof inferShapes>;
  private readonly nodes: Map<string, LayerNode>;
  private readonly reached = new Map<string, Reach>();
  private readonly whole = new Map<string, Feature>();
  private readonly rows: string;
  /** Convolutions without a ReLU that feed nothing but an addition, which they compute as they go. */
  private readonly additions: Map<string, AddNode>;

  constructor(lowering: Lowering, network: Network, count: number) {
    this.lowering = lowering;
    this.network = network;
    this.count = count;
    this.shapes = inferShapes(network);
    this.nodes = new Map(network.nodes.map((node) => [node.id, node]));
    this.additions = fusedAdditions(network);
    const { graph, batch } = lowering;
    this.rows = graph.op("Cast", [graph.input(ROWS, [batch])], { to: 7 });
  }

  run(unit: string): void {
    const { graph, batch } = this.lowering;
    const [, height, width] = this.shapes.get(unit)!;
    const [before, after] = [BEFORE, AFTER].map((name) => graph.input(name, [batch, 1, height, width]));
    this.reached.set(unit, { kind: "one", before, after, offset: 0 });
    for (const node of this.network.nodes) {
      if (node.op === "linear") this.classify(node.id, node.input);
      else if (this.reached.has(node.id)) continue;
      else if (inputsOf(node).some((id) => this.reached.has(id))) this.reached.set(node.id, this.reach(node));
    }
  }

  private reach(node: LayerNode): Reach {
    switch (node.op) {
      case "conv": {
        const addition = this.additions.get(node.id);
        if (!addition) return { kind: "many", feature: this.convolve(node, node) };
        const other = this.all(addition.inputs[addition.inputs[0] === node.id ? 1 : 0]);
        const feature = this.convolve(node, addition, other);
        this.reached.set(addition.id, { kind: "many", feature });
        // Nobody but the addition reads what stands here.
        return { kind: "many", feature };
      }
      case "maxpool": {
        const input = this.reached.get(node.input)!;
        if (input.kind === "many") return { kind: "many", feature: this.lowering.maxPool(input.feature, node) };
        const sides = (n: number) => [n, n];
        const { kernel, stride, padding } = node;
        const window = {
          kernel_shape: sides(kernel),
          strides: sides(stride),
          pads: [...sides(padding), ...sides(padding)],
        };
        const pool = (x: string) => this.lowering.graph.op("MaxPool", [x], window);
        return { ...input, before: pool(input.before), after: pool(input.after) };
      }
      case "add":
        return this.add(node);
      case "concat":
        return this.join(node);
      case "globalpool":
        return this.reached.get(node.input)!;
      case "plainconv":
        return { kind: "many", feature: this.convolve({ ...node, bias: true }, node) };
      case "flatten":
        return { kind: "many", feature: this.lowering.flatten(this.all(node.input)) };
      case "dense": {
        const { id, input, out } = node;
        const unit = { id, input, out, kernel: 1, stride: 1, padding: 0, bias: true, relu: true };
        return { kind: "many", feature: this.convolve(unit, node) };
      }
      default:
        throw new Error(`a change cannot reach '${node.id}'`);
    }
  }

  /** `relu?(conv + addend)`, of one changed channel or of all. */
  private convolve(node: Weighted, { relu }: { relu: boolean }, addend?: Feature): Feature {
    const { lowering } = this;
    const { graph } = lowering;
    const input = this.reached.get(node.input)!;
    const shape = convShape(node);
    if (input.kind === "many") {
      const { channels } = input.feature;
      const weight = graph.input(foldedWeight(node.id), [node.out, node.kernel, node.kernel, channels]);
      const bias = graph.input(foldedBias(node.id), [node.out]);
      return lowering.conv(input.feature, weight, shape, { bias, sum: addend, relu });
    }
    const [, height, width] = this.shapes.get(node.input)!;
    let change = graph.op("Sub", [input.after, input.before]);
    let size = { height, width };
    if (node.kernel === 1 && node.stride > 1) {
      const steps = [
        [0, 0],
        [height, width],
        [2, 3],
        [node.stride, node.stride],
      ].map((values) => graph.integers(values));
      change = graph.op("Slice", [change, ...steps]);
      const [, h, w] = this.shapes.get(node.id)!;
      size = { height: h, width: w };
      shape.stride = 1;
    }
    this.needs.columns.set(node.id, input.offset);
    const column = graph.input(columnInput(node.id), [node.out, node.kernel, node.kernel, 1]);
    const unchanged = this.kept(normKept(node.id), node.id, this.needs.norms);
    const sum = addend ? lowering.add(unchanged, addend, false) : unchanged;
    return lowering.conv(lowering.fromNchw(change, 1, size.height, size.width), column, shape, { sum, relu });
  }

  private add(node: AddNode): Reach {
    const { graph, batch } = this.lowering;
    const [a, b] = node.inputs.map((id) => this.reached.get(id));
    const one = a ?? b!;
    if (one.kind === "one" && !(a && b)) {
      const other = node.inputs[a ? 1 : 0];
      this.needs.others.set(node.id, { node: other, offset: one.offset });
      const [, height, width] = this.shapes.get(node.id)!;
      const addend = graph.input(otherInput(node.id), [batch, 1, height, width]);
      const sum = (x: string) => {
        const total = graph.op("Add", [x, addend]);
        return node.relu ? graph.op("Relu", [total]) : total;
      };
      return { ...one, before: sum(one.before), after: sum(one.after) };
    }
    const [first, second] = node.inputs.map((id) => this.all(id));
    return { kind: "many", feature: this.lowering.add(first, second, node.relu) };
  }

  private join(node: ConcatNode): Reach {
    const changed = node.inputs.filter((id) => this.reached.has(id));
    const one = this.reached.get(changed[0])!;
    if (changed.length > 1 || one.kind === "many") {
      return { kind: "many", feature: this.lowering.concat(node.inputs.map((id) => this.all(id))) };
    }
    const before = node.inputs.slice(0, node.inputs.indexOf(changed[0]));
    return { ...one, offset: before.reduce((sum, id) => sum + this.shapes.get(id)![0], one.offset) };
  }

  private classify(id: string, input: string): void {
    const { lowering, network } = this;
    const { graph, batch } = lowering;
    const reach = this.reached.get(input)!;
    let logits: string;
    if (reach.kind === "many") {
      const { weight, bias } = declareClassifier(lowering, network);
      const isPooled = this.nodes.get(input)!.op === "globalpool";
      const vector = isPooled ? lowering.globalPool(reach.feature) : lowering.toVector(reach.feature);
      logits = graph.op("Gemm", [vector, weight, bias], { transB: 1 });
    } else {
      this.needs.columns.set(id, reach.offset);
      const column = graph.input(columnInput(id), [1, network.classes]);
      const base = graph.input(BASE_LOGITS, [this.count, network.classes]);
      const change = graph.op("Sub", [reach.after, reach.before]);
      const mean = graph.reshape(graph.op("GlobalAveragePool", [change]), [batch, 1]);
      logits = graph.op("Add", [
        graph.op("Gather", [base, this.rows], { axis: 0 }),
        graph.op("MatMul", [mean, column]),
      ]);
    }
    graph.output("logits", logits, [batch, network.classes]);
  }

  /** All channels of a node, whatever changed in it. */
  private all(id: string): Feature {
    const reach = this.reached.get(id);
    if (reach?.kind === "many") return reach.feature;
    let feature = this.whole.get(id);
    if (!feature) {
      feature = this.compose(id, reach);
      this.whole.set(id, feature);
    }
    return feature;
  }

  private compose(id: string, reach: Extract<Reach, { kind: "one" }> | undefined): Feature {
    const { lowering, needs } = this;
    const { graph } = lowering;
    const node = this.nodes.get(id)!;
    if (node.op === "concat") return lowering.concat(node.inputs.map((input) => this.all(input)));
    if (node.op === "maxpool") return lowering.maxPool(this.all(node.input), node);
    if (node.op !== "conv" && node.op !== "add") throw new Error(`a change cannot be added to '${id}'`);
    const unchanged = this.kept(featureKept(id), id, needs.features);
    if (!reach) return unchanged;
    const { channels, height, width } = unchanged;
    needs.spots.set(id, reach.offset);
    const spot = graph.input(spotInput(id), [channels, 1, 1, 1]);
    const change = lowering.fromNchw(graph.op("Sub", [reach.after, reach.before]), 1, height, width);
    return lowering.conv(change, spot, { out: channels, kernel: 1, stride: 1, padding: 0 }, { sum: unchanged });
  }

  private kept(name: string, id: string, into: Set<string>): Feature {
    into.add(id);
    const [channels, height, width] = this.shapes.get(id)!;
    return this.lowering.kept(name, { channels, height, width }, this.count, this.rows);
  }
}
