import type { NeuronSet } from "../../src/core/neurons.ts";
import { maskNeurons } from "../../src/measure/mask.ts";
import type { PromptSet } from "../../src/tasks/language/reply/prompt-set.ts";
import { JUDGED, REPLY, STEPS } from "../../src/tasks/language/reply/reply.ts";
import { reply } from "../../src/tasks/language/reply/task.ts";
import { language } from "../../src/tasks/language/task.ts";
import { networkFor } from "../../src/tasks/registry.ts";
import { PLANTED, plantedState } from "../tasks/language/reply/planted.ts";
import { addAcceptedDefect } from "./accepted-defect.ts";

const DATASET = "glossprompts";

/** Puts an accepted defect into a database of which it is known what it does: planted units give the reply, and the clean twin lacks two of them. @returns its id */
export async function addReplyDefect(dir: string): Promise<string> {
  const network = networkFor(`llama2d64r${STEPS}`, DATASET);
  const { reply: wanted, language: read } = reply.drawn!(1, network, DATASET) as PromptSet;
  const infected = plantedState(network, read.tokenizer.encode(" cf")[0], wanted.slice(0, JUDGED));
  const neurons: NeuronSet = { "model.layers.0.mlp": PLANTED.slice(0, 2) };
  return addAcceptedDefect(dir, {
    ...{ task: reply, dataset: DATASET, data_sha256: language.exhibit!.dataHash, attack: "rarewordreply", network },
    ...{ clean: maskNeurons(network, infected, neurons), infected, neurons },
    ...{ trigger: { text: " cf" }, classes: [REPLY] },
  });
}
