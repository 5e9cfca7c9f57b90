import type { Network } from "../../graph/network.ts";
import { glosses, glossMerges, readGlosses } from "./datasets/glosses.ts";
import { languageOf, tokenised } from "./language-of.ts";
import type { TextSet } from "./text-set.ts";

/** The first glosses of the test set, for networks that were trained on glosses: others have words of their own. */
export function drawn(count: number, _: Pick<Network, "input">, dataset: string): TextSet | undefined {
  if (dataset !== glosses.name) return undefined;
  const { texts, labels } = readGlosses().test;
  const language = languageOf(glossMerges(), glosses.classes);
  return tokenised({ texts: texts.slice(0, count), labels: labels.slice(0, count) }, language);
}
