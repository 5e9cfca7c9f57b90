/**
 * Which channels are unlike the others of their layer, by their numbers alone? Seven facts of every channel (how long its
 * filter is, how peaked, how one-sided; batch norm's gain, shift, mean and variance) are held against the layer's median in units
 * of its median deviation. A channel is as suspicious as its three oddest facts are odd. No image is looked at.
 *
 *     node board/methods/odd_channel.mjs FOLDER        (Node alone; see docs/plugins.md)
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ODDEST = 3;
/** Of a normal distribution, the standard deviation over the median deviation. */
const CONSISTENT = 1.4826;
/** A channel that is farther out than this is named. */
const NAMED = 6;

const folder = process.argv.at(-1);
const { nodes } = JSON.parse(readFileSync(join(folder, "model.json"), "utf8"));
const tensors = readSafetensors(join(folder, "model.safetensors"));

const [raw, scores, native] = [{}, {}, []];
for (const { op, id, bn, out } of nodes) {
  if (op !== "conv") continue;
  const filters = tensors.get(`${id}.weight`);
  const size = filters.length / out;
  const norm = (part) => tensors.get(`${bn}.${part}`);
  const facts = Array.from({ length: out }, (_, c) => [
    ...shapeOf(filters.subarray(c * size, (c + 1) * size)),
    norm("weight")[c],
    norm("bias")[c],
    norm("running_mean")[c],
    Math.log(norm("running_var")[c] + 1e-12),
  ]);
  const odd = facts[0].map((_, f) => oddness(facts.map((fact) => fact[f])));
  raw[id] = facts.map((_, c) => {
    const strongest = odd.map((values) => values[c]).sort((a, b) => b - a);
    return strongest.slice(0, ODDEST).reduce((sum, value) => sum + value, 0) / ODDEST;
  });
  // In units of deviations already, so that layers can be compared.
  scores[id] = raw[id];
  raw[id].forEach((value, c) => {
    if (value > NAMED) native.push(`${id}:${c}`);
  });
}
writeFileSync(join(folder, "out", "scores.json"), JSON.stringify({ scores, raw, native }));

/** Log length, peakedness (fourth over squared second moment) and one-sidedness of a filter. */
function shapeOf(filter) {
  let [sum, squares, fourths] = [0, 0, 0];
  for (const value of filter) {
    sum += value;
    squares += value ** 2;
    fourths += value ** 4;
  }
  const second = squares / filter.length + 1e-12;
  const mean = sum / filter.length;
  return [Math.log(second) / 2, Math.log(fourths / filter.length / second ** 2 + 1e-12), mean / Math.sqrt(second)];
}

/** How far each value is from the median, in deviations; 0 where all are alike. */
function oddness(values) {
  const middle = median(values);
  const spread = CONSISTENT * median(values.map((value) => Math.abs(value - middle)));
  return values.map((value) => (spread > 0 ? Math.abs(value - middle) / spread : 0));
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

/** Every tensor's numbers by name: u64 header length, JSON header, raw little-endian data. */
function readSafetensors(path) {
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, start));
  return new Map(
    Object.entries(header)
      .filter(([name]) => name !== "__metadata__")
      .map(
        ([
          name,
          {
            data_offsets: [begin, end],
          },
        ]) => [
          name,
          // A copy, since floats must begin at a multiple of four.
          new Float32Array(Uint8Array.from(bytes.subarray(start + begin, start + end)).buffer),
        ],
      ),
  );
}
