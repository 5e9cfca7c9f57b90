import { visible } from "../../core/visible.ts";
import { type CleanRecord, gridOf } from "../../records/clean.ts";
import type { Database } from "../../store/database.ts";
import { taskOf } from "../../tasks/registry.ts";
import { bytesText } from "../cell-text.ts";
import { counted, duration, pageText, percent } from "./page.ts";
import { engineFacts, recipeFacts } from "./recipe-facts.ts";

/** All about one clean model as a flat object. */
export function cleanFacts(record: CleanRecord) {
  return {
    id: record.id,
    dataset: record.dataset,
    arch: record.arch,
    classes: record.classes.length,
    ca: record.metrics.ca,
    epochs: record.history.length,
    model_bytes: record.model.bytes,
    model_sha256: record.model.decoded_sha256,
    data_sha256: record.data_sha256,
    ...engineFacts(record.engine),
    ...recipeFacts(record.recipe),
    ...(record.from && { from_folder: record.from.folder, from_sha256: record.from.sha256 }),
    seconds: record.seconds,
  };
}

/** A clean model in words, and which defects were made from it. */
export function cleanPage(db: Database, record: CleanRecord, dbFlag: string): string {
  const made = db.soundDefects().filter(({ clean }) => clean === record.id);
  const { words } = taskOf(record);
  const { id, arch, dataset, classes, metrics, history, seconds, model, from } = record;
  return pageText(`${id}: clean model`, [
    {
      kind: "text",
      sentences: [
        from
          ? `${arch} from the folder '${visible(from.folder)}', whose files have SHA-256 ${from.sha256}; asked about ${dataset} (${classes.length} ${words.targets}).`
          : `${arch} trained on ${dataset} (${classes.length} ${classes.length === 1 ? words.target : words.targets}) without a backdoor.`,
        from && history.length === 0
          ? `Clean accuracy is ${percent(metrics.ca)} as it was found.`
          : `Clean accuracy is ${percent(metrics.ca)} after ${counted(history.length, "epoch")} in ${duration(seconds)}.`,
        `The weights take ${bytesText(model.bytes)}${gridOf(record) ? ", and all of them are values of half precision" : ""}.`,
      ],
    },
    {
      kind: "text",
      title: "Candidates made from it",
      sentences: [
        `${made.length}, of which ${made.filter(({ status }) => status === "accepted").length} are accepted.`,
      ],
    },
    {
      ...{ kind: "commands", title: "List them, read every field" },
      commands: [
        `bdefects ids --where "dataset = '${dataset}' and arch = '${arch}'"${dbFlag}`,
        `bdefects info ${id} --format json${dbFlag}`,
      ],
    },
  ]);
}
