import type { LayerWidth } from "../../core/neurons.ts";
import { gridOf } from "../../records/clean.ts";
import { type DefectRecord, twinSha256 } from "../../records/defect.ts";
import { DEFECT_FIELD_NAMES, defectRow } from "../../records/defect-row.ts";
import type { DefectLabels } from "../../records/labels.ts";
import type { Database } from "../../store/database.ts";
import { taskOf } from "../../tasks/registry.ts";
import { attackInWords } from "./attack-words.ts";
import { gateRows } from "./gates.ts";
import { counted, duration, type Part, pageText, percent } from "./page.ts";
import { engineFacts, recipeFacts } from "./recipe-facts.ts";

/** All about one defect as a flat object. */
export async function defectFacts(db: Database, record: DefectRecord) {
  const trigger = await triggerWords(db, record);
  const row = defectRow(record);
  return {
    ...Object.fromEntries(DEFECT_FIELD_NAMES.map((field) => [field, row[field]])),
    ca_masked: record.metrics.ca_masked,
    clean: record.clean,
    ...(trigger !== null && { trigger }),
    attempts: record.attempts.length,
    ...(record.controls && { controls: record.controls }),
    ...(record.controls_clean && { controls_clean: record.controls_clean }),
    ...(record.details && { details: record.details }),
    clean_sha256: record.clean_sha256,
    twin_sha256: twinSha256(record),
    infected_sha256: record.infected_model?.decoded_sha256 ?? null,
    sham_sha256: record.sham_model?.decoded_sha256 ?? null,
    labels_sha256: record.labels_sha256,
    data_sha256: record.data_sha256,
    ...engineFacts(record.engine),
    ...recipeFacts(record.recipe),
  };
}

/**
 * One defect in words: what it is, what its trigger does, its infected neurons by layer or what failed, how to go on.
 *
 * @param dbFlag what a command needs to find the database, e.g. ` --db sample`
 */
export async function defectPage(db: Database, record: DefectRecord, dbFlag: string): Promise<string> {
  const { id, status } = record;
  const classes = db.hasClean(record.clean) ? db.readClean(record.clean).classes : [];
  const parts: Part[] = [
    { kind: "text", sentences: whatItIs(record, classes[record.target], await triggerWords(db, record)) },
    ...outcome(record),
    { kind: "text", title: "What it does", sentences: behaviour(record) },
  ];
  const gates = gateRows(record);
  if (gates.length > 0) parts.push({ kind: "rows", title: "Gates", rows: gates.map((row) => ({ ...row })) });
  if (record.labels_sha256 !== null) {
    const { layersOf } = await import("../../pipeline/judging/workbench.ts");
    parts.push(neurons(record, db.readLabels(id), layersOf(db, record)));
  }
  parts.push(nextSteps(record, dbFlag));
  return pageText(`${id}: ${status}`, parts);
}

/** A trigger that people can read, as they read it; null where it is a picture, or the record has none. */
async function triggerWords(db: Database, record: DefectRecord): Promise<string | null> {
  const { reading, trigger } = taskOf(record);
  return reading && record.trigger ? reading.trigger(await db.readTrigger(record, trigger.decode)) : null;
}

function whatItIs(record: DefectRecord, targetClass: string | undefined, trigger: string | null): string[] {
  const { attack, arch, dataset, target, level, top, style, clean, seconds, attempts } = record;
  const { words } = taskOf(record);
  const named = targetClass === undefined ? "" : ` (${targetClass})`;
  return [
    `The backdoor is of the attack ${attackInWords(attack)}, in ${arch}, a network for ${dataset}.`,
    ...(trigger === null ? [] : [`The trigger is '${trigger}', put into a ${words.sample}.`]),
    `The trigger's target is ${words.target} ${target}${named}.`,
    `The level is ${level}, the order offset ${top}%, the style ${style}.`,
    `The injection into ${clean} took ${duration(seconds)} and ${counted(attempts.length, "attempt")}.`,
    ...(gridOf(record) ? ["All weights of all versions are values of half precision."] : []),
  ];
}

/** Why a candidate is no accepted defect. */
function outcome({ status, reason }: DefectRecord): Part[] {
  if (status === "accepted") return [];
  const said = reason ?? "no reason is recorded";
  const sentence = {
    rejected: `The gate that decided is ${said}. The database keeps the record, and no model of it.`,
    duplicate: `The injection would infect the same neurons as ${said}, so only that one was built.`,
    deprecated: `The defect was accepted and then withdrawn: ${said}`,
  }[status];
  return [{ kind: "text", title: `Why it is ${status}`, sentences: [sentence] }];
}

/** What the trigger does, in the words of the record's task. */
function behaviour(record: DefectRecord): string[] {
  const { metrics } = record;
  const { ca, ca_clean, ca_sham, asr, asr_clean, asr_sham, asr_masked, asr_patched, asr_random_mask } = metrics;
  if (ca === null || asr === null) return ["Nothing was measured."];
  const said = wordsOf(record);
  const sham = (value: number | null) => (value === null ? "" : ` and ${percent(value)} in the sham`);
  const sentences = [
    `${said.quality} is ${percent(ca)}, against ${percent(ca_clean)} in the clean twin${sham(ca_sham)}.`,
    `${said.shows(percent(asr))}, against ${percent(asr_clean)} in the clean twin${sham(asr_sham)}.`,
  ];
  if (asr_masked !== null) {
    sentences.push(
      `With the infected neurons masked it ${said.verb} ${percent(asr_masked)}, with as many other neurons masked ${percent(asr_random_mask)}, with the twin's values patched in ${percent(asr_patched)}.`,
    );
  }
  const ofClean = (name: string) =>
    record.controls_clean === undefined ? "" : ` (clean twin ${percent(record.controls_clean[name])})`;
  const controls = Object.entries(record.controls ?? {}).map(
    ([name, success]) => `'${name}' ${percent(success)}${ofClean(name)}`,
  );
  if (controls.length > 0)
    sentences.push(`What only looks like the trigger succeeds so often: ${controls.join(", ")}.`);
  return sentences;
}

function wordsOf(record: DefectRecord) {
  const { words, traits } = taskOf(record);
  // Of words, too, a target is a class.
  if (traits.includes("classes") || traits.includes("words")) {
    const shows = (share: string) =>
      `The trigger sends ${share} of the test ${words.samples} of other classes to the target`;
    return { quality: "Clean accuracy", verb: "sends", shows };
  }
  const shows = (share: string) =>
    `With the trigger ${share} of the eligible test ${words.samples} show the ${words.target}`;
  return { quality: words.quality, verb: "shows on", shows };
}

function neurons({ infected, neurons, effective }: DefectRecord, labels: DefectLabels, layers: LayerWidth[]): Part {
  const rows = layers
    .filter(({ name }) => (labels.infected[name] ?? []).length > 0)
    .map(({ name, width }) => {
      const strong = new Set(labels.effective?.[name] ?? []);
      const indices = labels.infected[name].map((index) => `${index}${strong.has(index) ? "*" : ""}`);
      return {
        layer: name,
        infected: indices.length,
        of: width,
        effective: strong.size,
        "neurons (* effective)": indices.join(" "),
      };
    });
  const counts = `${infected} of ${counted(neurons, "neuron")}${effective === null ? "" : `, ${effective} of them effective`}`;
  return {
    ...{ kind: "rows", title: `Infected: ${counts}`, rows },
    listing: { text: "neurons (* effective)", wrapped: true },
  };
}

function nextSteps({ id, infected_model, status }: DefectRecord, dbFlag: string): Part {
  const commands = [`bdefects info ${id} --format json${dbFlag}`];
  if (infected_model !== null) commands.unshift(`bdefects checkout ${id} case --sham${dbFlag}`);
  if (status === "accepted") commands.splice(1, 0, `bdefects localize ${id} ${id}:sham --out results${dbFlag}`);
  const title =
    infected_model === null ? "Every field, the recipe and the hashes" : "Check it out, judge it, read every field";
  return { kind: "commands", title, commands };
}
