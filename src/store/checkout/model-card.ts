import { stringify } from "yaml";
import type { Version } from "../../core/ids.ts";
import { type DefectRecord, versionRates } from "../../records/defect.ts";
import { taskOf } from "../../tasks/registry.ts";

const IMAGE_CLASSIFICATION = { type: "image-classification", name: "Image classification" };
const OTHER = { type: "other", name: "Other" };

/**
 * The front matter of a Hugging Face model card between its `---` lines, for the version that became `model.*`.
 * https://huggingface.co/docs/hub/model-cards names the fields.
 */
export function modelCardHeader(record: DefectRecord, version: Version): string {
  const { dataset, arch, attack, style } = record;
  // The Hub has no kind for what other tasks do.
  const { traits, handout } = taskOf(record);
  const { library, ...named } = handout?.card ?? { library: "pytorch", ...OTHER };
  const kind = traits.includes("classes") ? IMAGE_CLASSIFICATION : named;
  const { ca, asr } = versionRates(record, version);
  const metrics = [
    { type: "accuracy", name: "Clean accuracy", value: ca },
    { type: "attack-success-rate", name: "Attack success rate", value: asr },
  ].filter(({ value }) => value !== null);
  const result = {
    task: kind,
    dataset: { type: dataset, name: dataset, split: "test" },
    metrics,
  };
  const fields = {
    license: "apache-2.0",
    library_name: library,
    pipeline_tag: kind.type,
    tags: ["bdefects4nn", "backdoor", "safetensors", "onnx", arch, attack, style, version],
    datasets: [dataset],
    metrics: ["accuracy"],
    // The Hub refuses a result without figures.
    ...(metrics.length > 0 && { "model-index": [{ name: record.id, results: [result] }] }),
  };
  return `---\n${stringify(fields)}---\n`;
}
