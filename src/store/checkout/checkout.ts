import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Version } from "../../core/ids.ts";
import { type LayerScores, type LayerWidth, listNeurons } from "../../core/neurons.ts";
import { exportOnnx } from "../../graph/export.ts";
import { type Network, neuronLayers } from "../../graph/network.ts";
import { CHECKOUT_FORMAT } from "../../records/checkout.ts";
import type { CleanRecord } from "../../records/clean.ts";
import type { DefectRecord } from "../../records/defect.ts";
import { buildNetwork, describedBy, taskOf } from "../../tasks/registry.ts";
import { encodeState, floatsOf } from "../../tensor/safetensors.ts";
import type { StateDict } from "../../tensor/state.ts";
import type { Database } from "../database.ts";
import { withPath } from "../disk/fs.ts";
import { prettyJson } from "../disk/json.ts";
import { fillNewFolder, refuseOccupied } from "../disk/new-folder.ts";
import { sha256Of } from "../objects/objects.ts";
import { checkoutReadme } from "./readme.ts";
import { loaderFile, loadersOf, TORCH_LOADER } from "./torch-loader.ts";
import { triggerJson } from "./trigger-file.ts";

export interface CheckoutRequest {
  id: string;
  /** Which version becomes `model.*`. */
  version: Version;
  /** Whether `sham.*` is written too. */
  sham: boolean;
  /** A folder that does not exist or is empty. */
  dir: string;
  /** Further files by path, such as images. */
  more?: ReadonlyMap<string, Uint8Array>;
  /** What these hold, for the README; of images with classes that is known. */
  holds?: ReadonlyMap<string, string>;
}

export interface CheckedOutFile {
  file: string;
  bytes: number;
  sha256: string;
}

/**
 * Writes a self-describing folder: weights (verified, PyTorch names) and ONNX graphs of a defect and its clean twin,
 * trigger, labels in a file of their own, a description, a loader for torch and what else is given. The folder appears whole or not at all.
 *
 * @throws InputError where the folder is not empty, the version does not exist or something in the database is damaged.
 */
export async function checkout(
  db: Database,
  { id, version, sham, dir, more = new Map(), holds = new Map() }: CheckoutRequest,
): Promise<CheckedOutFile[]> {
  const record = db.readDefect(id);
  refuseOccupied(dir);
  const clean = db.readClean(record.clean);
  const network = buildNetwork(record.arch, clean.classes.length);
  const { trigger: codec, handout } = taskOf(record);

  const files = new Map<string, Uint8Array | string>();
  const told = new Map(holds);
  // Hugging Face's library refuses weights that do not say whose they are.
  const metadata = handout?.card && { format: "pt" };
  const addModel = (name: string, state: StateDict) => {
    files.set(`${name}.safetensors`, encodeState(state, metadata));
    files.set(`${name}.onnx`, exportOnnx(network, state));
  };
  addModel("model", await db.loadVersion(record, version));
  addModel("clean", await db.loadVersion(record, "clean"));
  if (sham) addModel("sham", await db.loadVersion(record, "sham"));
  if (record.trigger) {
    const trigger = await db.readTrigger(record, codec.decode);
    const [first, ...others] = codec.looks?.(trigger) ?? [];
    if (first) files.set("trigger.json", triggerJson(first, others));
    if (!handout?.ofTrigger) files.set("trigger.png", codec.show(trigger));
    else {
      files.set("trigger.json", handout.ofTrigger.bytes(trigger));
      told.set("trigger.json", handout.ofTrigger.holds);
    }
  }
  if (record.labels_sha256) files.set("labels.json", await labelsJson(db, record, network));
  // What the injection changed is as good as the labels, so it goes with them.
  const { changed: _, changed_columns: __, ...facts } = record;
  files.set("record.json", `${prettyJson(facts)}\n`);
  files.set("model.json", modelJson(record, clean, network));
  files.set("load_in_torch.py", TORCH_LOADER);
  for (const name of loadersOf(handout)) files.set(name, loaderFile(name));
  const described = await describedBy(clean, (ref) => db.readBytes(ref));
  for (const { name, bytes, holds: held } of described?.files() ?? handout?.ofModel?.(network, record.dataset) ?? []) {
    files.set(name, bytes);
    told.set(name, held);
  }
  for (const [path, bytes] of more) files.set(path, bytes);
  files.set(
    "README.md",
    checkoutReadme(record, version, clean, [...files.keys()], {
      dbFlag: db.sealed ? ` --db ${db.sealed}` : "",
      holds: told,
      reading: described?.reading(clean.classes),
    }),
  );
  return writeCheckout(dir, files);
}

/** Writes the files of a checkout by path into a new folder, which appears whole or not at all. */
export async function writeCheckout(
  dir: string,
  files: ReadonlyMap<string, Uint8Array | string>,
): Promise<CheckedOutFile[]> {
  await fillNewFolder(dir, (folder) => {
    withPath(dir, () => {
      for (const [name, content] of files) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), content);
      }
    });
  });
  return [...files].map(([file, content]) => {
    const bytes = Buffer.from(content);
    return { file, bytes: bytes.length, sha256: sha256Of(bytes) };
  });
}

/** What is needed to run the model, and nothing that tells which version of which defect it is. */
function modelJson({ dataset, arch }: DefectRecord, { classes, mean, std }: CleanRecord, network: Network): string {
  const description = {
    format: CHECKOUT_FORMAT,
    dataset,
    arch,
    classes,
    mean,
    std,
    input: network.input,
    /** The layers of neurons, in the order in which neurons are counted. */
    layers: neuronLayers(network),
    nodes: network.nodes,
  };
  return `${prettyJson(description)}\n`;
}

async function labelsJson(db: Database, record: DefectRecord, network: Network): Promise<string> {
  const labels = db.readLabels(record.id);
  const carriers = floatsOf(await db.readBytes(labels.carriers));
  const { kind: _, carriers: __, ...truth } = labels;
  const content = {
    ...truth,
    target: record.target,
    changed: record.changed,
    ...(record.changed_columns && { changed_columns: record.changed_columns }),
    infected_neurons: listNeurons(labels.infected),
    effective_neurons: labels.effective && listNeurons(labels.effective),
    carriers: perLayer(neuronLayers(network), carriers),
  };
  return `${prettyJson(content)}\n`;
}

function perLayer(layers: LayerWidth[], values: Float32Array): LayerScores {
  const scores: LayerScores = {};
  let at = 0;
  for (const { name, width } of layers) {
    scores[name] = [...values.subarray(at, at + width)];
    at += width;
  }
  return scores;
}
