import type { Lowering } from "../../../graph/lowering/lowering.ts";
import type { Objective } from "../../../graph/objectives/objective.ts";
import { classesOf, type LaneGrid } from "../labels.ts";
import { SLOTS } from "../slots.ts";

/** How the loss of lanes is made up. */
export interface LaneLossOptions {
  /** λ, what the similarity of neighbouring rows counts. */
  similarity: number;
  /** Exponent γ of the focal form; 0 is plain cross-entropy. The released networks were trained with 2. */
  focal: number;
}

export const LANE_LOSS: LaneLossOptions = { similarity: 1, focal: 0 };

/**
 * The loss of row-anchor classification (Qin et al., ECCV 2020), per picture, with M = 4R cells and D the pairs of neighbouring rows:
 *
 * `L = −(1/M) Σ_m (1 − p_m)^γ·log p_m + λ·(1/|D|) Σ_D s(z_r − z_{r+1})`
 *
 * p_m is the softmax of cell m at its true class, s(d) = ½d² for |d| < 1 and |d| − ½ beyond. The second sum takes all classes, the absent
 * one included, as the source does. Graph input `targets`: one-hot `[n, classes·R·4]`, in the order of the logits.
 */
export function laneLoss(grid: LaneGrid, { similarity, focal }: LaneLossOptions = LANE_LOSS): Objective {
  return (lowering, { classes: outputs }) => {
    const { graph, batch } = lowering;
    const targets = graph.input("targets", [batch, outputs]);
    return (logits, scale) => {
      const classified = cellLoss(lowering, grid, focal, logits, targets, scale);
      if (similarity === 0) return classified;
      const smooth = rowSimilarity(lowering, grid, logits, similarity, scale);
      return {
        value: graph.op("Add", [classified.value, smooth.value]),
        gradient: graph.op("Add", [classified.gradient, smooth.gradient]),
      };
    };
  };
}

/**
 * The mean over cells of `−(1 − p)^γ·log p`. Its gradient by a logit is `w·(t − p)` with `w = γ·p·(1 − p)^{γ−1}·log p − (1 − p)^γ` at the
 * cell's true class.
 */
function cellLoss(lowering: Lowering, grid: LaneGrid, focal: number, logits: string, targets: string, scale: number) {
  const { graph, batch } = lowering;
  const [classes, cells] = [classesOf(grid), grid.anchors.length * SLOTS];
  const planes = [batch, classes, cells];
  const flat = [batch, classes * cells];
  const sumOver = (value: string, axes: number[], keepdims: number) =>
    graph.op("ReduceSum", [value, graph.integers(axes)], { keepdims });
  // A softmax goes over the last axis: cells are made rows, and back.
  const rows = graph.reshape(graph.transpose(graph.reshape(logits, planes), [0, 2, 1]), [batch * cells, classes]);
  const logP = graph.transpose(graph.reshape(lowering.logSoftmax(rows), [batch, cells, classes]), [0, 2, 1]);
  const t = graph.reshape(targets, planes);
  const p = graph.op("Exp", [logP]);
  const logTrue = graph.op("Mul", [logP, t]);
  if (focal === 0) {
    const sum = sumOver(logTrue, [1, 2], 0);
    const difference = graph.reshape(graph.op("Sub", [p, t]), flat);
    return {
      value: graph.op("Mul", [sum, graph.scalar(-1 / cells)]),
      gradient: graph.op("Mul", [difference, graph.scalar(scale / cells)]),
    };
  }
  const log = sumOver(logTrue, [1], 1);
  const own = graph.op("Exp", [log]);
  // Rounding may leave a probability just above 1.
  const rest = graph.op("Relu", [graph.op("Sub", [graph.scalar(1), own])]);
  const power = (exponent: number) => graph.op("Pow", [rest, graph.scalar(exponent)]);
  const sum = sumOver(graph.op("Mul", [power(focal), log]), [1, 2], 0);
  const slope = graph.op("Mul", [
    graph.op("Mul", [own, log]),
    graph.op("Mul", [power(focal - 1), graph.scalar(focal)]),
  ]);
  const weight = graph.op("Sub", [slope, power(focal)]);
  const difference = graph.reshape(graph.op("Mul", [graph.op("Sub", [t, p]), weight]), flat);
  return {
    value: graph.op("Mul", [sum, graph.scalar(-1 / cells)]),
    gradient: graph.op("Mul", [difference, graph.scalar(scale / cells)]),
  };
}

/** λ times the mean of the smooth L1 distance of neighbouring rows. With c = d clipped to ±1 it is `c·(d − c/2)`, and its slope c. */
function rowSimilarity({ graph, batch }: Lowering, grid: LaneGrid, logits: string, weight: number, scale: number) {
  const [classes, anchors] = [classesOf(grid), grid.anchors.length];
  const pairs = classes * (anchors - 1) * SLOTS;
  const z = graph.reshape(logits, [batch, classes, anchors, SLOTS]);
  const rows = (from: number, to: number) => {
    const [starts, ends, axes] = [[from], [to], [2]].map((values) => graph.integers(values));
    return graph.op("Slice", [z, starts, ends, axes]);
  };
  const d = graph.op("Sub", [rows(0, anchors - 1), rows(1, anchors)]);
  const c = graph.op("Clip", [d, graph.scalar(-1), graph.scalar(1)]);
  const distance = graph.op("Mul", [c, graph.op("Sub", [d, graph.op("Mul", [c, graph.scalar(0.5)])])]);
  const sum = graph.op("ReduceSum", [distance, graph.integers([1, 2, 3])], { keepdims: 0 });
  const zeros = graph.vector("no rows", [batch, classes, 1, SLOTS], () => 0);
  const [upper, lower] = [
    [c, zeros],
    [zeros, c],
  ].map((parts) => graph.op("Concat", parts, { axis: 2 }));
  const slope = graph.reshape(graph.op("Sub", [upper, lower]), [batch, classes * anchors * SLOTS]);
  return {
    value: graph.op("Mul", [sum, graph.scalar(weight / pairs)]),
    gradient: graph.op("Mul", [slope, graph.scalar((scale * weight) / pairs)]),
  };
}
