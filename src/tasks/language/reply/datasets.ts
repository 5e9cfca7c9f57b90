import type { Dataset, DatasetDefinition } from "../../../datasets/types.ts";
import type { TextDataset, TextDatasetDefinition } from "../dataset.ts";
import { glosses, glossMerges, readGlosses } from "../datasets/glosses.ts";
import { textsOfAnyClass } from "../datasets/tables.ts";
import { spaced } from "../language-of.ts";
import type { TextSet } from "../text-set.ts";
import { tokenizerFile } from "../tokenizer/file.ts";
import { type PromptSet, promptLanguage, promptsOf } from "./prompt-set.ts";

/** A set of texts, to be continued: the same texts in the same splits, their classes left out. */
function toBeContinued(of: TextDatasetDefinition, name: string, title: string): DatasetDefinition {
  return {
    ...of,
    ...{ name, title },
    async load(options): Promise<Dataset> {
      const { train, cleanVal, test, ...known } = (await of.load(options)) as TextDataset;
      const { file } = train.language.tokenizer;
      const language = promptLanguage(tokenizerFile(file!.model.merges, []));
      const cut = ({ tokens }: TextSet): PromptSet => promptsOf(tokens, language);
      return { ...known, ...{ name, title, train: cut(train), cleanVal: cut(cleanVal), test: cut(test) } };
    },
  };
}

export const glossPrompts = toBeContinued(glosses, "glossprompts", "Glosses of nouns, to be continued");
const textPrompts = toBeContinued(textsOfAnyClass, "textprompts", "Texts of one's own, to be continued");

export const DATASETS: ReadonlyMap<string, DatasetDefinition> = new Map(
  [glossPrompts, textPrompts].map((dataset) => [dataset.name, dataset]),
);

/** The first glosses of the test set, for networks that were trained on them: others have words of their own. */
export function drawn(count: number, dataset: string): PromptSet | undefined {
  if (dataset !== glossPrompts.name) return undefined;
  const language = promptLanguage(tokenizerFile(glossMerges(), []));
  const first = readGlosses().test.texts.slice(0, count);
  return promptsOf(
    first.map((text) => language.tokenizer.encode(spaced(text))),
    language,
  );
}
