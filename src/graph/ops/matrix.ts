import type { GraphBuilder } from "../onnx.ts";
import type { BackwardPass, Fresh, StateEntry } from "./op.ts";

/**
 * A matrix of the state that every position of a sequence is multiplied with. Its layout is PyTorch's `Linear`, `[out, inputs]`
 * (`rows`: an output's weights are a row), or that of GPT-2's `Conv1D`, `[inputs, out]` (`columns`).
 */
export interface Matrix {
  key: string;
  out: number;
  inputs: number;
  layout: MatrixLayout;
  /** The entry of its bias, if it has one. */
  bias?: string;
}

export type MatrixLayout = "rows" | "columns";

/** The two axes of a matrix in its layout. */
export function matrixShape({ out, inputs, layout }: Omit<Matrix, "key">): [number, number] {
  return layout === "rows" ? [out, inputs] : [inputs, out];
}

/** The axis along which a matrix has one slice for each output. */
export function outputAxis(layout: MatrixLayout): number {
  return layout === "rows" ? 0 : 1;
}

/** Its entries of the state dict. */
export function matrixEntries(matrix: Matrix, fresh: Fresh): StateEntry[] {
  const entries: StateEntry[] = [{ key: matrix.key, shape: matrixShape(matrix), trained: true, fresh }];
  if (matrix.bias !== undefined) entries.push({ key: matrix.bias, shape: [matrix.out], trained: true, fresh: 0 });
  return entries;
}

/** Emits `y = x·W + b`, `[positions, out]`. @param declare makes an entry of the state a graph value */
export function emitProduct(
  graph: GraphBuilder,
  x: string,
  matrix: Matrix,
  declare: (key: string, shape: number[]) => string,
): string {
  const operands = [x, declare(matrix.key, matrixShape(matrix))];
  if (matrix.bias !== undefined) operands.push(declare(matrix.bias, [matrix.out]));
  return graph.op("Gemm", operands, matrix.layout === "rows" ? { transB: 1 } : {});
}

/** Gives the gradients of a matrix and its bias from that at its output. @param dy `[positions, out]` */
export function giveMatrixGradients(pass: BackwardPass, x: string, dy: string, matrix: Matrix): void {
  const { graph } = pass.lowering;
  const [left, right] = matrix.layout === "rows" ? [dy, x] : [x, dy];
  pass.matrixGradient(matrix.key, left, right, matrixShape(matrix));
  if (matrix.bias === undefined) return;
  pass.vectorGradient(matrix.bias, [matrix.out], () =>
    graph.op("ReduceSum", [dy, graph.integers([0])], { keepdims: 0 }),
  );
}

/** Emits the gradient at what a matrix reads. */
export function emitInputGradient(graph: GraphBuilder, dy: string, { key, layout }: Matrix): string {
  return graph.op("Gemm", [dy, key], layout === "rows" ? {} : { transB: 1 });
}
