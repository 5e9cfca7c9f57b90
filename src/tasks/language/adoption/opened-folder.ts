import { join } from "node:path";
import { InputError } from "../../../core/errors.ts";
import type { Network } from "../../../graph/network.ts";
import { Checkpoint } from "../checkpoint/checkpoint.ts";
import { type Config, readConfigFields } from "../checkpoint/config.ts";
import { folderHash } from "../checkpoint/folder-hash.ts";
import { readTokenizer } from "../checkpoint/tokenizer.ts";
import type { Sizes } from "../models/sized.ts";

/** All weights are stored, and lie in memory several times while neurons are tuned. */
export const MOST_PARAMETERS = 200_000_000;

const number = new Intl.NumberFormat("en-US");

/** A model in a folder, before anybody says how it is asked. */
interface OpenedFolder {
  checkpoint: Checkpoint;
  network: Network;
  /** Where its tokenizer lies. */
  tokenizerPath: string;
  /** What is stored of it beside its weights. */
  parts: {
    arch: string;
    config: Record<string, unknown>;
    tokenizer: Record<string, unknown>;
    tokenizer_config: Record<string, unknown>;
  };
}

/** What a task calls networks, and what networks its names mean. */
interface Named {
  nameOf(sizes: Sizes): string | null;
  networkOf(arch: string): Network | undefined;
}

export function hashOfFolder(path: string): string {
  const { folder, names } = new Checkpoint(path);
  return folderHash(folder, names);
}

/** Opens a folder of Hugging Face's form; of its weights nothing is read yet. @throws InputError where it is none that can be infected */
export function openFolder(path: string, { nameOf, networkOf }: Named): OpenedFolder {
  const checkpoint = new Checkpoint(path);
  const { folder, config, parameters } = checkpoint;
  if (parameters > MOST_PARAMETERS) {
    throw new InputError(
      `${folder}: has ${number.format(parameters)} parameters; models of at most ${number.format(MOST_PARAMETERS)} are infected, since a database holds all of them`,
    );
  }
  const arch = nameOf(sizesOf(config));
  const network = arch && networkOf(arch);
  if (!arch || !network) {
    throw new InputError(
      `${folder}: its config.json has an epsilon that is no power of ten down to 1e-12, or a theta that is no whole number; such models are read by 'inspect' alone`,
    );
  }
  const { file, config: tokenizerConfig } = readTokenizer(folder);
  const parts = {
    arch,
    config: readConfigFields(join(folder, "config.json")),
    tokenizer: file as Record<string, unknown>,
    tokenizer_config: tokenizerConfig as Record<string, unknown>,
  };
  return { checkpoint, network, parts, tokenizerPath: join(folder, "tokenizer.json") };
}

function sizesOf({ layout, shape, positions }: Config): Sizes {
  // What a config says is of its layout.
  return { layout, shape, positions } as Sizes;
}
