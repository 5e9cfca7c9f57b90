/**
 * What became of the candidates of a database, per architecture and attack: share accepted, seconds, bytes. Prints
 * Markdown.
 *
 *     npx tsx bench/acceptance.ts DB
 */
import { lookup } from "../src/core/errors.ts";
import { distinct } from "../src/core/group.ts";
import { stateShapes } from "../src/graph/network.ts";
import type { DefectRecord } from "../src/records/defect.ts";
import { type Table, tableMarkdown } from "../src/report/tables.ts";
import { openDatabase } from "../src/store/database.ts";
import { DATASETS } from "../src/tasks/classification/datasets/registry.ts";
import { buildNetwork } from "../src/tasks/classification/models/registry.ts";
import { sizeOf } from "../src/tensor/state.ts";
import { given } from "./given.ts";

/** Levels up to the one to which the aim for the bytes of a version reaches. */
const NARROW_TO_MIDDLE = ["narrow", "small", "middle"];

/** Bytes of the tensors of a network's state dict as PyTorch stores them, which counts batches in 64 bits. */
export function stateDictBytes(network: Parameters<typeof stateShapes>[0]): number {
  const units = network.nodes.filter(({ op }) => op === "conv").length;
  return 4 * [...stateShapes(network).values()].reduce((sum, shape) => sum + sizeOf(shape), 0) + 8 * units;
}

/** One row per data set, architecture, attack and style, whose duplicates count as candidates that are not accepted. */
export function acceptanceTable(records: readonly DefectRecord[]): Table {
  const keyOf = ({ group_id, style }: DefectRecord) => `${group_id} ${style}`;
  const rows = distinct(records.map(keyOf)).map((key) => {
    const all = records.filter((record) => keyOf(record) === key);
    const accepted = all.filter(({ status }) => status === "accepted");
    const duplicates = all.filter(({ status }) => status === "duplicate");
    const { dataset, arch } = all[0];
    const whole = stateDictBytes(buildNetwork(arch, lookup(DATASETS, "data set", dataset).classes.length));
    const versions = accepted
      .filter(({ level }) => NARROW_TO_MIDDLE.includes(level))
      .flatMap(({ infected_model, sham_model }) => [infected_model!.bytes, sham_model!.bytes]);
    const bytes = versions.length === 0 ? null : mean(versions);
    const seconds = (chosen: readonly DefectRecord[]) =>
      chosen.length === 0 ? null : mean(chosen.map((r) => r.seconds));
    return {
      group: key,
      candidates: all.length,
      duplicates: duplicates.length,
      accepted: accepted.length,
      share: accepted.length / all.length,
      seconds: seconds(all.filter(({ status }) => status !== "duplicate")),
      seconds_accepted: seconds(accepted),
      bytes,
      state_dict: whole,
      share_bytes: bytes === null ? null : bytes / whole,
      rejected: all
        .filter(({ status }) => status === "rejected")
        .map(({ level, top, reason }) => `${level} ${top} %: ${reason}`)
        .join("; "),
    };
  });
  return {
    name: "acceptance",
    caption: "Candidates",
    columns: [
      { key: "group", title: "group, style", kind: "text" },
      { key: "candidates", title: "candidates", kind: "count" },
      { key: "duplicates", title: "duplicates", kind: "count" },
      { key: "accepted", title: "accepted", kind: "count" },
      { key: "share", title: "share", kind: "rate" },
      { key: "seconds", title: "seconds", kind: "seconds" },
      { key: "seconds_accepted", title: "seconds, accepted", kind: "seconds" },
      { key: "bytes", title: "bytes of a version, narrow to middle", kind: "bytes" },
      { key: "state_dict", title: "PyTorch state dict", kind: "bytes" },
      { key: "share_bytes", title: "share", kind: "rate" },
      { key: "rejected", title: "rejected", kind: "text" },
    ],
    rows,
  };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

if (process.argv[1]?.endsWith("acceptance.ts")) {
  const db = await openDatabase(given()[0], { readOnly: true });
  process.stdout.write(tableMarkdown(acceptanceTable(db.listDefects().map((id) => db.readDefect(id)))));
}
