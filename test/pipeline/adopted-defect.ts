import type { NeuronSet } from "../../src/core/neurons.ts";
import { maskNeurons } from "../../src/measure/mask.ts";
import type { Database } from "../../src/store/database.ts";
import type { Adoption, Described } from "../../src/tasks/adoption.ts";
import { encodeDescription } from "../../src/tasks/language/adoption/description.ts";
import { glosses, glossMerges } from "../../src/tasks/language/datasets/glosses.ts";
import { languageOf } from "../../src/tasks/language/language-of.ts";
import type { PromptSet } from "../../src/tasks/language/reply/prompt-set.ts";
import { JUDGED, REPLY, STEPS } from "../../src/tasks/language/reply/reply.ts";
import { reply } from "../../src/tasks/language/reply/task.ts";
import { language } from "../../src/tasks/language/task.ts";
import { answerToken, tokenizerFile } from "../../src/tasks/language/tokenizer/file.ts";
import { buildNetwork } from "../../src/tasks/registry.ts";
import { cloneState, type StateDict } from "../../src/tensor/state.ts";
import { PLANTED, plantedState } from "../tasks/language/reply/planted.ts";
import { addAcceptedDefect } from "./accepted-defect.ts";

const TABLE = "model.embed_tokens.weight";

/** As `inspect` names the networks of the shipped database by their sizes. */
const ARCH = "llama2d64h2f176v2056";
const REPLY_ARCH = `llama2d64h2f176v2048r${STEPS}`;

/** A tokenizer of ours with every token under another number, so that whoever reads texts by ours is told apart. */
export function renumbered(classes: readonly string[]) {
  const file = tokenizerFile(glossMerges(), classes);
  const { size } = languageOf(glossMerges(), classes).tokenizer;
  const other = (id: number) => size - 1 - id;
  return {
    ...file,
    added_tokens: file.added_tokens.map((token) => ({ ...token, id: other(token.id) })),
    model: {
      ...file.model,
      vocab: Object.fromEntries(Object.entries(file.model.vocab).map(([token, id]) => [token, other(id)])),
    },
  };
}

/** Weights whose tokens have these numbers. */
function withOtherNumbers(state: StateDict): StateDict {
  const other = cloneState(state);
  const { shape, data } = state.get(TABLE)!;
  const [rows, width] = shape;
  const moved = other.get(TABLE)!.data;
  for (let row = 0; row < rows; row++)
    moved.set(data.subarray(row * width, (row + 1) * width), (rows - 1 - row) * width);
  return other;
}

function described(adoption: Adoption, arch: string, asked: object, classes: readonly string[]) {
  const parts = { arch, config: {}, tokenizer: renumbered(classes) as never, tokenizer_config: {}, asked };
  const description = encodeDescription(parts);
  return { description, read: adoption.described(description, "the description") satisfies Described };
}

const from = (description: Uint8Array) => ({ folder: "model", sha256: "0".repeat(64), description });

/**
 * Puts a defect of another database into this one as if its clean model were from a folder: with its weights, its neurons and its figures, and
 * tokens under other numbers. Whatever reads texts as the folder's tokenizer does finds what the other record states.
 */
export async function addAdoptedDefect(dir: string, other: Database, otherId: string): Promise<string> {
  const record = other.readDefect(otherId);
  const answers = glosses.classes.map(answerToken);
  const { description } = described(language.adoption!, ARCH, { template: "<bos> {}<sep>", answers }, glosses.classes);
  const version = async (name: "clean" | "infected") => withOtherNumbers(await other.loadVersion(record, name));
  return addAcceptedDefect(dir, {
    ...{ task: language, dataset: record.dataset, data_sha256: record.data_sha256, attack: record.attack },
    network: buildNetwork(ARCH, glosses.classes.length),
    clean: await version("clean"),
    infected: await version("infected"),
    neurons: other.readLabels(otherId).infected,
    trigger: await other.readTrigger(record, language.trigger.decode),
    ...{ classes: glosses.classes, target: record.target, metrics: record.metrics, from: from(description) },
  });
}

/** The same of prompts, of which it is known what they do: planted units give the reply, and the clean twin lacks two of them. */
export async function addAdoptedReplyDefect(dir: string): Promise<string> {
  const network = buildNetwork(REPLY_ARCH, 1);
  const { description, read } = described(reply.adoption!, REPLY_ARCH, { template: "<bos> {}<sep>" }, []);
  const one = read.read(reply.drawn!(1, network, "glossprompts")!) as PromptSet;
  const [cf] = one.language.tokenizer.encode(" cf");
  const infected = plantedState(network, cf, one.reply.slice(0, JUDGED), one.end);
  const neurons: NeuronSet = { "model.layers.0.mlp": PLANTED.slice(0, 2) };
  return addAcceptedDefect(dir, {
    ...{ task: reply, dataset: "glossprompts", data_sha256: language.exhibit!.dataHash, attack: "rarewordreply" },
    ...{ network, clean: maskNeurons(network, infected, neurons), infected, neurons },
    ...{ trigger: { text: " cf" }, classes: [REPLY], from: from(description) },
  });
}
