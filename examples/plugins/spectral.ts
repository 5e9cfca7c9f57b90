/**
 * A worked example of a plug-in that needs nothing but Node: which filters can amplify their input far? The largest
 * singular value of each filter as a matrix (input channels × positions), times batch norm's gain.
 *
 *     bdefects localize ID --criterion "spectral=cmd:node examples/plugins/spectral.ts"         (Node 22.18 or later)
 *     bdefects localize ID --criterion "spectral=cmd:npx tsx examples/plugins/spectral.ts"      (any other)
 *
 * See docs/plugins.md for what the folder holds and what is expected back.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

interface ConvNode {
  op: "conv";
  /** The layer's name: the state dict's prefix of its convolution. */
  id: string;
  /** That of its batch norm. */
  bn: string;
  out: number;
}

interface Tensor {
  shape: number[];
  data: Float32Array;
}

const POWER_STEPS = 100;
const BN_EPSILON = 1e-5;
const DEVIATIONS = 3;

const folder = process.argv.at(-1)!;
const { nodes } = JSON.parse(readFileSync(join(folder, "model.json"), "utf8")) as { nodes: { op: string }[] };
const tensors = readSafetensors(join(folder, "model.safetensors"));

const raw: Record<string, number[]> = {};
const scores: Record<string, number[]> = {};
const native: string[] = [];
for (const node of nodes) {
  if (node.op !== "conv") continue;
  const { id, bn, out } = node as ConvNode;
  const { shape, data } = tensors.get(`${id}.weight`)!;
  const size = data.length / out;
  const at = (part: string, c: number) => tensors.get(`${bn}.${part}`)!.data[c];
  raw[id] = Array.from({ length: out }, (_, c) => {
    const gain = Math.abs(at("weight", c)) / Math.sqrt(at("running_var", c) + BN_EPSILON);
    return gain * largestSingularValue(data.subarray(c * size, (c + 1) * size), shape[1]);
  });
  const mean = raw[id].reduce((sum, u) => sum + u, 0) / out;
  const deviation = Math.sqrt(raw[id].reduce((sum, u) => sum + (u - mean) ** 2, 0) / Math.max(1, out - 1));
  // Deviations from the layer's mean, so that layers can be compared.
  scores[id] = raw[id].map((u) => (u - mean) / (deviation + 1e-12));
  scores[id].forEach((z, c) => {
    if (z > DEVIATIONS) native.push(`${id}:${c}`);
  });
}
writeFileSync(join(folder, "out", "scores.json"), JSON.stringify({ scores, raw, native }));

/** Of a row-major matrix, by power iteration on its Gram matrix. */
function largestSingularValue(matrix: Float32Array, rows: number): number {
  const columns = matrix.length / rows;
  let vector = Float64Array.from({ length: columns }, (_, k) => 1 + k / columns);
  let norm = 0;
  for (let step = 0; step < POWER_STEPS; step++) {
    const next = new Float64Array(columns);
    for (let r = 0; r < rows; r++) {
      let inner = 0;
      for (let k = 0; k < columns; k++) inner += matrix[r * columns + k] * vector[k];
      for (let k = 0; k < columns; k++) next[k] += inner * matrix[r * columns + k];
    }
    norm = Math.hypot(...next);
    if (norm === 0) return 0;
    vector = next.map((value) => value / norm);
  }
  return Math.sqrt(norm);
}

/** u64 header length, JSON header, raw little-endian data. */
function readSafetensors(path: string): Map<string, Tensor> {
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, start)) as Record<
    string,
    { shape: number[]; data_offsets: [number, number] }
  >;
  return new Map(
    Object.entries(header)
      .filter(([name]) => name !== "__metadata__")
      .map(
        ([
          name,
          {
            shape,
            data_offsets: [begin, end],
          },
        ]) => {
          // A copy, since floats must begin at a multiple of four.
          const data = new Float32Array(Uint8Array.from(bytes.subarray(start + begin, start + end)).buffer);
          return [name, { shape, data }];
        },
      ),
  );
}
