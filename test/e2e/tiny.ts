import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../../src/core/random.ts";

/** The recipe of the end-to-end tests. */
export const TINY = join(import.meta.dirname, "tiny.yaml");

/** The clean model of the tiny recipe. */
export const CLEAN = "cifar10-resnet18w4-s1";

const PIXELS = 3072;
const CLASSES = 10;

/** CIFAR-10's binary layout with a few made-up images: every class has a colour, every pixel noise. */
export function writeTinyData(dataDir: string): string {
  const folder = join(dataDir, "cifar-10-batches-bin");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "data_batch_1.bin"), records(320, 1));
  writeFileSync(join(folder, "test_batch.bin"), records(60, 2));
  return dataDir;
}

function records(count: number, seed: number): Buffer {
  const random = new Random(seed);
  const bytes = Buffer.alloc(count * (1 + PIXELS));
  for (let i = 0; i < count; i++) {
    const label = i % CLASSES;
    const start = i * (1 + PIXELS);
    bytes[start] = label;
    for (let k = 0; k < PIXELS; k++) {
      const channel = k >> 10;
      bytes[start + 1 + k] = ((label * 25 * (channel + 1)) % 200) + random.below(56);
    }
  }
  return bytes;
}

/** The tiny recipe with some text replaced, as a file in `folder`. */
export function writeRecipe(folder: string, change: (text: string) => string): string {
  const path = join(folder, "recipe.yaml");
  writeFileSync(path, change(readFileSync(TINY, "utf8")));
  return path;
}

/** The arguments of a build of the tiny recipe. */
export function tinyBuild(db: string, data: string, ...more: string[]): string[] {
  return ["build", "--edition", TINY, "--db", db, "--data", data, ...more];
}
