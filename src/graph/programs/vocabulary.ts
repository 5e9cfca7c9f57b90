import { GraphBuilder, type Program } from "../onnx.ts";

/** Inputs and outputs of the program. */
export const ROWS = "rows";
export const TABLE = "table";
export const HIGHEST = "highest";
export const SUM = "sum";

/**
 * A part of a language model's head: `rows` `[rows, width]`, what it reads, and `table` `[tokens, width]`, the vectors of some tokens → of
 * each row the highest logit among them and the sum of `exp(logit − highest)`, `[rows, 1]`. Parts together give the logarithm of the
 * sum over all tokens without a row of all logits.
 */
export function vocabularyProgram(rows: number, tokens: number, width: number): Program {
  const graph = new GraphBuilder();
  const [x, table] = [graph.input(ROWS, [rows, width]), graph.input(TABLE, [tokens, width])];
  const logits = graph.op("Gemm", [x, table], { transB: 1 });
  const highest = graph.op("ReduceMax", [logits], { axes: [1], keepdims: 1 });
  const powers = graph.op("Exp", [graph.op("Sub", [logits, highest])]);
  graph.output(HIGHEST, highest, [rows, 1]);
  graph.output(SUM, graph.op("ReduceSum", [powers, graph.integers([1])], { keepdims: 1 }), [rows, 1]);
  return graph.finish();
}
