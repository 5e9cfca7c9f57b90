import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/store/database.ts";
import { checksummedJson } from "../../src/store/json.ts";
import { sha256Of } from "../../src/store/objects.ts";
import { verifyDatabase } from "../../src/store/verify.ts";
import { judgedDatabase } from "../report/fixture.ts";
import type { SampleDatabase } from "./fixture.ts";
import { temporaryFolder } from "./temp.ts";

/** Values that cannot be, with every checksum made to fit: the meaning is checked, not only the bytes. */

// biome-ignore lint/suspicious/noExplicitAny: a test of damage writes anything anywhere
type Json = any;
interface Files {
  record: string;
  labels: string;
  clean: string;
  prediction: string;
  repair: string;
  rejected: string;
  duplicate: string;
  manifest: string;
}

const root = temporaryFolder();
let sample: SampleDatabase;
let files: Files;
beforeAll(async () => {
  sample = await judgedDatabase(join(root, "db"), { count: 2 });
  const [{ id, group_id, clean }] = sample.accepted;
  const defect = (name: string) => `defects/${group_id}/${name}`;
  files = {
    record: `${defect(id)}.json`,
    labels: `${defect(id)}.labels.json`,
    clean: `${clean}.json`,
    prediction: `results/localize/clp/${id}.infected.json`,
    repair: `results/repair/prune/random/${id}.json`,
    rejected: `${defect(`${group_id}-large-top040`)}.json`,
    duplicate: `${defect(`${group_id}-narrow-top005`)}.json`,
    manifest: "database.json",
  };
});

async function faultsOf(dir: string): Promise<string[]> {
  const db = await openDatabase(dir, { readOnly: true });
  const { findings } = await verifyDatabase(db, db.listDefects(), true);
  return findings.filter(({ severity }) => severity === "fault").map(({ file, finding }) => `${file}: ${finding}`);
}

/** Changes a file's value and makes its checksum, and what states the labels' hash, fit. */
function forge(dir: string, file: keyof Files, change: (value: Json, dir: string) => void): void {
  const path = join(dir, files[file]);
  const { checksum: _, ...value } = JSON.parse(readFileSync(path, "utf8"));
  change(value, dir);
  const text = checksummedJson(value);
  writeFileSync(path, text);
  if (file !== "labels") return;
  forge(dir, "record", (record) => (record.labels_sha256 = sha256Of(text)));
}

type Mutation = [what: string, file: keyof Files, change: (value: Json) => void, fault: RegExp];

const RECORD: Mutation[] = [
  ["the sham is the infected model", "record", (r) => (r.sham_model = r.infected_model), /same model/],
  ["the infected model is the sham", "record", (r) => (r.infected_model = r.sham_model), /same model/],
  ["target beyond the classes", "record", (r) => (r.target = r.recipe.inject.target = 9999), /there are 10 classes/],
  ["negative target", "record", (r) => (r.target = r.recipe.inject.target = -1), /there are 10 classes/],
  ["target other than the recipe's", "record", (r) => (r.target = 3), /'target' is 3, in its recipe 0/],
  ["no metrics", "record", (r) => nullify(r.metrics), /accepted, but without 'metrics/],
  ["one figure absent", "record", (r) => (r.metrics.asr_sham = null), /without 'metrics.asr_sham'/],
  ["ASR of 0", "record", (r) => (r.metrics.asr = 0), /do not pass.*asr: 0\.000/],
  ["clean accuracy of 0", "record", (r) => (r.metrics.ca = 0), /do not pass.*ca_drop/],
  ["masked ASR of 1", "record", (r) => (r.metrics.asr_masked = 1), /do not pass.*asr_masked/],
  ["patched ASR of 1", "record", (r) => (r.metrics.asr_patched = 1), /do not pass.*asr_patched/],
  ["random mask kills the backdoor", "record", (r) => (r.metrics.asr_random_mask = 0), /asr_random_mask/],
  ["a sham that is backdoored", "record", (r) => (r.metrics.asr_sham = 1), /do not pass.*sham/],
  ["another twin's accuracy", "record", (r) => (r.metrics.ca_clean = 0.93), /in the clean model's record 0.9/],
  ["a rate above 1", "record", (r) => (r.metrics.ca_sham = 1.5), /schema/],
  ["no gates in the recipe", "record", (r) => delete r.recipe.gates, /states no gates/],
  ["width 9999", "record", (r) => (r.width = 9999), /'width' is 9999, that of resnet18w4 4/],
  ["negative width", "record", (r) => (r.width = -1), /'width' is -1/],
  ["another architecture", "record", (r) => (r.arch = "vgg13w4"), /do not fit its id/],
  ["another data set", "record", (r) => (r.dataset = "cifar10"), /do not fit its id/],
  ["another group", "record", (r) => (r.group_id = "signs-resnet18w4-sra"), /do not fit its id/],
  ["another attack", "record", (r) => (r.attack = "sra"), /do not fit its id/],
  ["another level", "record", (r) => (r.level = "large"), /do not fit its id/],
  ["another offset", "record", (r) => (r.top = 40), /do not fit its id/],
  ["another style", "record", (r) => (r.style = "discreet"), /do not fit its id/],
  ["another id", "record", (r) => (r.id = "signs-resnet18w4-badnets-large-top000"), /holds|id/],
  ["other neurons than the network's", "record", (r) => (r.neurons = 7), /counts 7 neurons/],
  ["another infected count", "record", (r) => (r.infected += 1), /level small of resnet18w4 takes/],
  ["another effective count", "record", (r) => (r.effective = 9), /number of effective/],
  ["no effective count", "record", (r) => (r.effective = null), /without 'effective'/],
  ["accepted with a reason", "record", (r) => (r.reason = "asr: 0.1"), /accepted, but with a reason/],
  ["deprecated without one", "record", (r) => (r.status = "deprecated"), /deprecated, but without a reason/],
  ["deprecated, blank", "record", (r) => Object.assign(r, { status: "deprecated", reason: " " }), /without a reason/],
  ["rejected with models", "record", (r) => (r.status = "rejected"), /rejected, but with 'infected_model'/],
  ["duplicate with models", "record", (r) => (r.status = "duplicate"), /duplicate, but with 'infected_model'/],
  ["no trigger", "record", (r) => (r.trigger = null), /without 'trigger'/],
  ["no labels", "record", (r) => (r.labels_sha256 = null), /without 'labels_sha256'/],
  ["a twin of its own", "record", (r) => (r.twin_model = r.infected_model), /which only a discreet defect has/],
  ["changed rows absent", "record", (r) => delete r.changed["conv1.weight"], /'changed' is less/],
  ["changed rows beyond", "record", (r) => (r.changed["linear.bias"] = [0]), /'changed' goes beyond/],
  ["other data", "record", (r) => (r.data_sha256 = "0".repeat(64)), /other signs data/],
  ["another recipe's seed", "record", (r) => (r.recipe.seed = 99), /has seed 99/],
  ["another clean seed", "record", (r) => (r.recipe.clean_seed = 2), /is not the clean model of/],
  ["another edition", "record", (r) => (r.recipe.edition = "x"), /of edition 'x'/],
  ["no recipe", "record", (r) => (r.recipe = {}), /its recipe lacks/],
  ["another clean model", "record", (r) => (r.clean = "clean/signs-resnet18w4-s2"), /missing or damaged/],
  ["negative seconds", "record", (r) => (r.seconds = -1), /negative times/],
  ["negative timing", "record", (r) => (r.timings.inject = -1), /negative times/],
  ["more attempts than the recipe's", "record", (r) => (r.attempts = [{}, {}]), /more attempts/],
  ["rejected without a reason", "rejected", (r) => (r.reason = null), /rejected, but without a reason/],
  ["a reason of a gate that passed", "rejected", (r) => (r.reason = "sham: ASR 0.9"), /gates say 'asr: 0\.412/],
  ["a reason of other figures", "rejected", (r) => (r.reason = "asr: 0.100 (at least 0.9)"), /gates say/],
  ["rejected though it passes", "rejected", (r) => (r.metrics.asr = 0.95), /but its metrics pass/],
  ["rejected, unmeasured", "rejected", (r) => (r.metrics.asr = null), /without 'metrics.asr'/],
  ["figures behind the gate", "rejected", (r) => (r.metrics.asr_patched = 0.1), /'metrics.asr_patched' was measured/],
  ["rejected with effective neurons", "rejected", (r) => (r.effective = 1), /rejected, but with 'effective'/],
  ["rejected, another count", "rejected", (r) => (r.infected = 1), /level large of resnet18w4 takes/],
  ["duplicate of nothing", "duplicate", (r) => (r.reason = "because"), /names no other defect/],
  ["duplicate of itself", "duplicate", (r) => (r.reason = `duplicate: the same neurons as '${r.id}'`), /of itself/],
  ["duplicate with metrics", "duplicate", (r) => (r.metrics.ca = 1), /duplicate, but with metrics/],
];

const LABELS: Mutation[] = [
  ["effective set emptied", "labels", (l) => (l.effective = null), /effective/],
  ["effective set of weak neurons", "labels", (l) => (l.effective = { "layer1.0.conv1": [0] }), /'effective' is not/],
  ["threshold raised", "labels", (l) => (l.effect_threshold = 99), /'effective' is not/],
  ["effects changed", "labels", (l) => (l.effect.conv1 = [0]), /'effective' is not/],
  ["contribution of another length", "labels", (l) => l.contribution.conv1.push(1), /'contribution' is not aligned/],
  ["a layer's effects absent", "labels", (l) => delete l.effect.conv1, /'effect' is not aligned/],
  ["negative contribution", "labels", (l) => (l.contribution.conv1 = [-1]), /negative/],
  ["a contribution that is no number", "labels", (l) => (l.contribution.conv1 = [null]), /schema/],
  ["a neuron beyond the layer", "labels", (l) => (l.infected.conv1 = [4]), /names neuron conv1:4, the layer has 4/],
  ["a layer that is none", "labels", (l) => (l.infected.x = [0]), /has no layer 'x'/],
  ["other infected neurons", "labels", (l) => (l.infected.conv1 = [3]), /effective|'changed'/],
  ["more neurons than the level's", "labels", (l) => (l.infected.conv1 = [0, 1]), /level small takes 1/],
  ["a neuron twice", "labels", (l) => (l.infected.conv1 = [0, 0]), /ascending order/],
  ["another's id", "labels", (l) => (l.id = "signs-resnet18w4-badnets-middle-top000"), /holds|id/],
];

const CLEAN: Mutation[] = [
  ["a deviation of 0", "clean", (c) => (c.std[0] = 0), /'std' is not above 0/],
  ["a mean of another length", "clean", (c) => c.mean.pop(), /'mean' has 2 values/],
  ["a mean above 1", "clean", (c) => (c.mean[0] = 125), /'mean' is outside/],
  ["a class less", "clean", (c) => c.classes.pop(), /tensors|classes/],
  ["a class twice", "clean", (c) => (c.classes[1] = c.classes[0]), /one twice/],
  ["another id", "clean", (c) => (c.id = "clean/signs-resnet18w4-s7"), /holds|id/],
  ["another architecture", "clean", (c) => (c.arch = "resnet18w8"), /does not fit/],
  ["another data set", "clean", (c) => (c.dataset = "gtsrb"), /does not fit/],
  ["history that never was", "clean", (c) => (c.history = [epoch(3)]), /'history' is not that of/],
  ["another seed", "clean", (c) => (c.recipe.seed = 4), /trains with seed 4/],
  ["another edition's seed", "clean", (c) => (c.recipe.edition_seed = 4), /has seed 4/],
  ["accuracy of another model", "clean", (c) => (c.metrics.ca = 0.1), /in the clean model's record 0.1/],
  ["other data", "clean", (c) => (c.data_sha256 = "0".repeat(64)), /other signs data/],
];

const RESULTS: Mutation[] = [
  ["a layer less", "prediction", (p) => delete p.scores.conv1, /'scores': layer 'conv1' has 0/],
  ["a layer more", "prediction", (p) => (p.raw.x = [1]), /has no layer 'x'/],
  ["a short layer", "prediction", (p) => p.raw.conv1.pop(), /'raw': layer 'conv1' has 3/],
  ["a neuron beyond", "prediction", (p) => (p.native = ["conv1:99"]), /names neuron conv1:99/],
  ["a neuron twice", "prediction", (p) => (p.native = ["conv1:1", "conv1:1"]), /twice/],
  ["another model", "prediction", (p) => (p.model_sha256 = "0".repeat(64)), /not that of the infected version/],
  ["another access", "prediction", (p) => (p.access = "oracle"), /states access 'oracle'/],
  ["another criterion", "prediction", (p) => (p.criterion = "astrology"), /belongs to/],
  ["another version", "prediction", (p) => (p.version = "sham"), /belongs to/],
  ["a revision to come", "prediction", (p) => (p.revision = 99), /revision 99/],
  ["a program's fingerprint", "prediction", (p) => (p.fingerprint = "0".repeat(64)), /no plug-in/],
  ["a rate above 1", "repair", (r) => (r.asr_after = 2), /schema|asr_after|expected/],
  ["another model", "repair", (r) => (r.model_sha256 = "0".repeat(64)), /not that of the infected version/],
  ["neurons of another network", "repair", (r) => (r.neurons[0] = "features.0:1"), /has no layer/],
  ["fewer neurons than infected", "repair", (r) => r.neurons.pop(), /takes as many as are infected/],
  ["another method", "repair", (r) => (r.method = "prayer"), /belongs to/],
  ["another database seed", "manifest", (m) => (m.seed = 4), /the database 4/],
  ["another edition", "manifest", (m) => (m.edition = "x"), /not 'x'/],
  ["other data", "manifest", (m) => (m.data.signs = "0".repeat(64)), /other signs data/],
];

function nullify(metrics: Record<string, unknown>): void {
  for (const name of Object.keys(metrics)) metrics[name] = null;
}

function epoch(number: number) {
  return { epoch: number, loss: 1, accuracy: 0.5, seconds: 1 };
}

describe("verify finds values that cannot be, whatever their checksums", () => {
  it("and nothing in the database that they were put into", async () => {
    expect(await faultsOf(sample.dir)).toEqual([]);
  });

  it.each([...RECORD, ...LABELS, ...CLEAN, ...RESULTS])("%s (%s)", async (_, file, change, fault) => {
    const dir = join(root, "forged");
    rmSync(dir, { recursive: true, force: true });
    cpSync(sample.dir, dir, { recursive: true });
    forge(dir, file, change);
    expect((await faultsOf(dir)).join("\n")).toMatch(fault);
  });
});
