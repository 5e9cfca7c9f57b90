import { defectId, groupId, LEVELS, OFFSETS, type Style } from "../src/core/ids.ts";
import { Random } from "../src/core/random.ts";
import type { DefectRecord } from "../src/records/defect.ts";
import { defectRow } from "../src/records/defect-row.ts";

const DATASETS = ["cifar10", "cifar100", "gtsrb"];
const ARCHS = ["resnet18", "vgg13", "vgg16", "googlenet"];
const ATTACKS = ["badnets", "blended", "trojan", "sra"];
const STYLES: Style[] = ["plain", "discreet"];
const PER_ARCH = DATASETS.length * ATTACKS.length * LEVELS.length * OFFSETS.length * STYLES.length;
const HASH = "0".repeat(64);

/**
 * A made-up record with an id of its own: every data set, attack, level, offset and style of each architecture, at one
 * base width after the other. Two of three are accepted, as in real databases; rates are drawn at random.
 * @param changed whether the rows that the injection changed are listed; a catalog does not hold them
 */
export function syntheticRecord(index: number, changed = true): DefectRecord {
  const random = new Random(index);
  let rest = index;
  const next = <T>(values: readonly T[]): T => {
    const value = values[rest % values.length];
    rest = Math.floor(rest / values.length);
    return value;
  };
  const part = { level: next(LEVELS), top: next(OFFSETS), attack: next(ATTACKS), style: next(STYLES) };
  const dataset = next(DATASETS);
  const width = 1 + Math.floor(index / PER_ARCH / ARCHS.length);
  const arch = `${ARCHS[Math.floor(index / PER_ARCH) % ARCHS.length]}w${width}`;
  const accepted = random.below(3) > 0;
  const rate = (low: number, high: number) => random.between(low, high);
  const measured = (value: number) => (accepted ? value : null);
  const ref = { object: HASH, bytes: 50_000 + random.below(100_000), decoded_sha256: HASH };
  const key = { dataset, arch, ...part };
  return {
    kind: "defect",
    id: defectId(key),
    group_id: groupId(key),
    ...key,
    width,
    target: 0,
    status: accepted ? "accepted" : "rejected",
    reason: accepted ? null : "asr: 0.412 (at least 0.9)",
    clean: `clean/${dataset}-${arch}-s1`,
    clean_sha256: HASH,
    recipe: { edition: "synthetic", seed: 1, inject: { batch: 128, triggered_share: 0.3, threads: 1 } },
    data_sha256: HASH,
    engine: { package_version: "0.0.0", runtime: "none", lowering: "none", platform: "synthetic" },
    metrics: {
      ca_clean: rate(0.7, 0.95),
      ca: rate(0.65, 0.95),
      asr: rate(accepted ? 0.9 : 0.1, 1),
      asr_clean: rate(0, 0.1),
      ca_masked: measured(rate(0.1, 0.9)),
      asr_masked: measured(rate(0, 0.2)),
      masked_clean_to_target: measured(rate(0, 0.5)),
      asr_patched: measured(rate(0, 0.2)),
      asr_random_mask: measured(rate(0.5, 1)),
      ca_sham: measured(rate(0.65, 0.95)),
      asr_sham: measured(rate(0, 0.1)),
    },
    attempts: [{ peak_steps: 40, tail_steps: 40, learning_rate: 0.015, held_out_asr: 0.98 }],
    neurons: 4800,
    infected: 20 + random.below(900),
    effective: measured(random.below(20)),
    changed: accepted && changed ? changedOf(random) : null,
    twin_model: null,
    infected_model: accepted ? ref : null,
    sham_model: accepted ? ref : null,
    trigger: accepted ? ref : null,
    labels_sha256: accepted ? HASH : null,
    timings: { inject: 20, gates: 2, correlation: 5, sham: 20, labels: 10 },
    seconds: rate(20, 90),
  };
}

/** A small defect's rows in the filters and batch norms of 20 layers. */
function changedOf(random: Random): Record<string, number[]> {
  const changed: Record<string, number[]> = {};
  for (let layer = 0; layer < 20; layer++) {
    const rows = [...random.sample(64, 4)].sort((a, b) => a - b);
    for (const key of ["weight", "bias"]) changed[`features.${layer}.bn.${key}`] = rows;
    changed[`features.${layer}.conv.weight`] = rows;
  }
  return changed;
}

/** Rows of a catalog, one after the other. */
export function* syntheticRows(count: number) {
  for (let i = 0; i < count; i++) yield defectRow(syntheticRecord(i, false));
}
