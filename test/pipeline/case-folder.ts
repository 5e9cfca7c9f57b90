import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkoutImages } from "../../src/pipeline/checkout/write-images.ts";
import { checkout } from "../../src/store/checkout/checkout.ts";
import { openDatabase } from "../../src/store/database.ts";
import { SAMPLE_DIR } from "../../src/store/shipped/sample.ts";
import { decodeState, encodeState } from "../../src/tensor/safetensors.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { writeTinyData } from "../e2e/tiny.ts";

/** Its sub-network sees the trigger on any image, so made-up ones do. */
export const CASE_ID = "cifar10-resnet18w8-sra-narrow-top040";
/** How many images a case brings. */
export const CASE_IMAGES = 40;

/** A checkout of the sample's with made-up images, to run tests on. */
export interface CaseFolder {
  folder: string;
  /** The data sets' folder. */
  data: string;
  target: number;
  /** A file beside the folder with the model's weights, changed. */
  changedWeights(name: string, change: (state: StateDict) => void): string;
}

/** @param root where the folders `case` and `data` come to lie */
export async function makeCase(root: string): Promise<CaseFolder> {
  const data = writeTinyData(join(root, "data"));
  const folder = join(root, "case");
  const db = await openDatabase(SAMPLE_DIR, { readOnly: true });
  const { files } = await checkoutImages(db, { id: CASE_ID, count: CASE_IMAGES, dataDir: data });
  await checkout(db, { id: CASE_ID, version: "infected", sham: false, dir: folder, more: files });
  const changedWeights = (name: string, change: (state: StateDict) => void) => {
    const state = decodeState(readFileSync(join(folder, "model.safetensors")), "model");
    change(state);
    const file = join(root, `${name}.safetensors`);
    writeFileSync(file, encodeState(state));
    return file;
  };
  return { folder, data, target: db.readDefect(CASE_ID).target, changedWeights };
}
