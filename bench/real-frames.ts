/**
 * What the clean models of a database of lanes see on labelled pictures in TuSimple's layout: a table, and a picture of each frame with the
 * true lanes (green) and the predicted ones (red). Models of `roads` have never seen a real picture.
 *
 *     npx tsx bench/real-frames.ts DB FOLDER/label_data_0601.json OUT
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createRunner } from "../src/measure/ort-runner.ts";
import { type Table, tableMarkdown } from "../src/report/tables.ts";
import { openDatabase } from "../src/store/database.ts";
import { IMAGENET_NORMALIZATION } from "../src/tasks/lanes/dataset.ts";
import { details } from "../src/tasks/lanes/details.ts";
import { scoreFrame } from "../src/tasks/lanes/metric.ts";
import { lanePicture, PREDICTED_LANES, TRUE_LANES } from "../src/tasks/lanes/picture.ts";
import { lanes } from "../src/tasks/lanes/task.ts";
import { readFrames } from "../src/tasks/lanes/tusimple/frames.ts";
import { readLabelFile } from "../src/tasks/lanes/tusimple/label-file.ts";
import { lanesOf } from "../src/tasks/lanes/verdicts.ts";
import { networkFor } from "../src/tasks/registry.ts";
import { given } from "./given.ts";

const [dir, labelFile, out] = given();
const db = await openDatabase(dir, { readOnly: true });
const labels = readLabelFile(labelFile);
mkdirSync(out, { recursive: true });

const rows: Record<string, string | number>[] = [];
for (const id of db.listClean()) {
  const record = db.readClean(id);
  const network = networkFor(record.arch, record.dataset);
  const { height, width } = network.input;
  const frames = readFrames(labels, dirname(labelFile), { height, width }, null);
  const runner = await createRunner(lanes, network, IMAGENET_NORMALIZATION, { threads: 1 });
  const outputs = await runner.outputs(await db.loadClean(record), frames);
  await runner.release();
  const size = outputs.length / frames.count;
  const accuracies = frames.labels.map((truth, i) => {
    const predicted = lanesOf(outputs.subarray(i * size, (i + 1) * size), frames, i);
    const layers = [
      { lanes: truth.lanes, colour: TRUE_LANES },
      { lanes: predicted, colour: PREDICTED_LANES },
    ];
    const frame = { pixels: frames.pixels, height, width, at: i * 3 * height * width };
    writeFileSync(join(out, `${id.replaceAll("/", "-")}-${i}.png`), lanePicture(frame, truth.rows, layers, 360));
    return scoreFrame(predicted, truth).accuracy;
  });
  const { false_positives, false_negatives } = details(outputs, frames);
  const mean = accuracies.reduce((sum, accuracy) => sum + accuracy, 0) / accuracies.length;
  const [least, most] = [Math.min(...accuracies), Math.max(...accuracies)];
  rows.push({
    id,
    roads: record.metrics.ca,
    frames: frames.count,
    mean,
    least,
    most,
    false_positives,
    false_negatives,
  });
}
const table: Table = {
  name: "real-frames",
  caption: "Clean models on real frames",
  columns: [
    { key: "id", title: "clean model", kind: "text" },
    { key: "roads", title: "Acc on roads", kind: "rate" },
    { key: "frames", title: "real frames", kind: "count" },
    { key: "mean", title: "Acc", kind: "rate" },
    { key: "least", title: "worst", kind: "rate" },
    { key: "most", title: "best", kind: "rate" },
    { key: "false_positives", title: "FP", kind: "rate" },
    { key: "false_negatives", title: "FN", kind: "rate" },
  ],
  rows,
};
process.stdout.write(tableMarkdown(table));
