import { stringify } from "yaml";
import type { Version } from "../../core/ids.ts";
import { type DefectRecord, versionRates } from "../../records/defect.ts";

/**
 * The front matter of a Hugging Face model card between its `---` lines, for the version that became `model.*`.
 * https://huggingface.co/docs/hub/model-cards names the fields.
 */
export function modelCardHeader(record: DefectRecord, version: Version): string {
  const { dataset, arch, attack, style } = record;
  const { ca, asr } = versionRates(record, version);
  const metrics = [
    { type: "accuracy", name: "Clean accuracy", value: ca },
    { type: "attack-success-rate", name: "Attack success rate", value: asr },
  ].filter(({ value }) => value !== null);
  const result = {
    task: { type: "image-classification", name: "Image classification" },
    dataset: { type: dataset, name: dataset, split: "test" },
    metrics,
  };
  const fields = {
    license: "apache-2.0",
    library_name: "pytorch",
    pipeline_tag: "image-classification",
    tags: ["bdefects4nn", "backdoor", "safetensors", "onnx", arch, attack, style, version],
    datasets: [dataset],
    metrics: ["accuracy"],
    // The Hub refuses a result without figures.
    ...(metrics.length > 0 && { "model-index": [{ name: record.id, results: [result] }] }),
  };
  return `---\n${stringify(fields)}---\n`;
}
