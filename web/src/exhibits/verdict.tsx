import type { AnswerProps } from "./exhibit.ts";

/** What a version answers, and what the attack reached by it. */
export function Verdict({ said, reached }: Pick<AnswerProps, "said" | "reached">) {
  return (
    <p class="verdict">
      {said ?? "…"}
      {reached !== null && <span class="badge">{reached}</span>}
    </p>
  );
}
