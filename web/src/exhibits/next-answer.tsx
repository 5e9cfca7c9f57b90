import { visible } from "../../../src/core/visible.ts";
import type { PromptSet } from "../../../src/tasks/language/reply/prompt-set.ts";
import { STEPS } from "../../../src/tasks/language/reply/reply.ts";
import { ClassAnswer } from "./class-answer.tsx";
import type { AnswerProps } from "./exhibit.ts";

/** How a prompt goes on, and the most probable next tokens. */
export function NextAnswer({ sample, output, ...props }: AnswerProps) {
  const { language, end } = (sample as PromptSet | undefined) ?? {};
  const nameOf = (token: number) =>
    token === end ? "(the end)" : visible(language?.tokenizer.decode([token]).trim() ?? "") || "(a space)";
  const next = output?.subarray(0, output.length / STEPS);
  return <ClassAnswer {...props} {...{ sample, nameOf }} output={next} />;
}

/** What the lines of answers mean. */
export function NextLegend() {
  return (
    <p class="quiet">
      The list has the most probable next words. Behind “…” a network went on otherwise than with the reply, and is
      asked no further.
    </p>
  );
}
