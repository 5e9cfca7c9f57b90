import type { TextSet } from "../../../src/tasks/language/text-set.ts";
import { ClassAnswer } from "./class-answer.tsx";
import type { AnswerProps } from "./exhibit.ts";

/** The most probable classes: of a network's next word those are looked at that answer with a class. */
export function TextAnswer({ sample, output, ...props }: AnswerProps) {
  const answers = (sample as TextSet | undefined)?.language.tokenizer.answers;
  const logits = output && answers && Float32Array.from(answers, (token) => output[token]);
  return <ClassAnswer {...props} sample={sample} output={logits} />;
}
