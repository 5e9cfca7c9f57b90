import { existsSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../../core/errors.ts";
import { sha256Hex } from "../../../core/hash.ts";
import { activationBytes } from "../../../graph/cost.ts";
import type { SamplesOptions, WholeModel } from "../../foreign-models.ts";
import { checkedOutParts } from "../adoption/checked-out-parts.ts";
import { readSizes, tokenizerOf } from "../adoption/described-tokenizer.ts";
import { MOST_PARAMETERS } from "../adoption/opened-folder.ts";
import { spaced } from "../language-of.ts";
import { type Sizes, sizedName, sizedNetwork } from "../models/sized.ts";
import type { TextSet } from "../text-set.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { SHIPPED, trainingTexts } from "./texts.ts";

/** What `checkout --samples` writes for whoever repairs. */
const DEFENDER = join("images", "defender_clean.tsv");
/** Weights lie in memory so often: as they were read, fed to the runtime and laid out by it, and changed. */
const COPIES = 4;
/** The runtime's arenas hold a part's activations about so often, each part of as many sequences. */
const [ARENAS, PART] = [3, 16];

const number = new Intl.NumberFormat("en-US");

/**
 * A model in memory with texts and their classes. A checkout of ours is asked as it was trained to be, and of other texts than the shipped ones
 * takes the defender's that lie in it. Without texts of the user's other models take the shipped ones.
 */
export function wholeModel(checkpoint: Checkpoint, data: string | undefined, options: SamplesOptions): WholeModel {
  const { own, path, folder, config, parameters } = checkpoint;
  if (parameters > MOST_PARAMETERS) {
    throw new InputError(
      `${path}: has ${number.format(parameters)} parameters, and neurons of at most ${number.format(MOST_PARAMETERS)} are trained; give --method prune`,
    );
  }
  const arch = sizedName(config as Sizes);
  const network = arch === null ? undefined : sizedNetwork(arch);
  if (!network) {
    throw new InputError(
      `${path}: its config.json has an epsilon that is no power of ten down to 1e-12, or a theta that is no whole number; give --method prune`,
    );
  }
  const prompt = options.prompt ?? own?.prompt;
  if (!prompt) {
    throw new InputError(
      `${path}: nobody says what it answers, and training needs that; give --template and --answers, or --method prune`,
    );
  }
  const source = data ?? defendersTexts(checkpoint);
  const parts = { ...checkedOutParts(folder), asked: prompt };
  const tokenizer = tokenizerOf(parts, readSizes(network), join(folder, "tokenizer.json"), "--");
  const { title, texts, labels } = trainingTexts(
    source,
    data === undefined ? { ...options, part: undefined } : options,
  );
  const beyond = labels.find((label) => label >= tokenizer.answers.length);
  if (beyond !== undefined) {
    throw new InputError(
      `${options.option ?? "--data"} ${data ?? title}: a text has label ${beyond}, counted from 0, and there are ${tokenizer.answers.length} answers; give one for each`,
    );
  }
  const language = { tokenizer, classes: own?.classes ?? prompt.answers, context: network.input.height };
  const tokens = texts.map((text) => tokenizer.encode(spaced(text)));
  const samples: TextSet = { language, count: texts.length, tokens, labels };
  return {
    network,
    state: checkpoint.state(network),
    samples,
    title: `${title}: ${number.format(texts.length)} texts`,
    sha256: () => sha256Hex(JSON.stringify([prompt, tokens, [...labels]])),
    needs:
      process.memoryUsage.rss() +
      COPIES * Float32Array.BYTES_PER_ELEMENT * parameters +
      ARENAS * activationBytes(network, PART),
  };
}

/** Where the texts of a checkout lie that are not the shipped ones. @throws InputError where it brought none */
function defendersTexts({ own, folder }: Checkpoint): string | undefined {
  if (!own || own.dataset === SHIPPED) return undefined;
  const file = join(folder, DEFENDER);
  if (existsSync(file)) return file;
  throw new InputError(`${file}: there is no such file; name texts with --data, or check out again with --samples N`);
}
