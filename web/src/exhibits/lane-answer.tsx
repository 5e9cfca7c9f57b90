import type { DrawnLine } from "../../../src/tasks/drawing.ts";
import type { LaneSet } from "../../../src/tasks/lanes/lane.ts";
import { linesOf } from "../../../src/tasks/lanes/lines.ts";
import { lanesOf } from "../../../src/tasks/lanes/verdicts.ts";
import { Pixels } from "../pixels.tsx";
import type { AnswerProps } from "./exhibit.ts";
import { Verdict } from "./verdict.tsx";

/** The frame as it was shown, the true lanes over it and those that the version answers. */
export function LaneAnswer({ title, about, sample, output, said, reached }: AnswerProps) {
  const set = sample as LaneSet | undefined;
  const lanes = set && output ? lanesOf(output, set, 0) : [];
  return (
    <div class={reached === null ? "answer" : "answer fired"} data-version={title}>
      <h3>{title}</h3>
      <p class="quiet">{about}</p>
      {set && (
        <div class="overlaid">
          <Pixels
            pixels={set.pixels}
            height={set.height}
            width={set.width}
            shape="wide"
            label={`${title}: ${said ?? "…"}`}
          />
          <Lines name="true-line" lines={linesOf(set.labels[0].lanes, set.labels[0].rows)} />
          <Lines name="answered-line" lines={linesOf(lanes, set.labels[0].rows)} />
        </div>
      )}
      <Verdict {...{ said, reached }} />
    </div>
  );
}

/** Points in parts of the frame. */
function Lines({ name, lines }: { name: string; lines: readonly DrawnLine[] }) {
  return (
    <svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">
      {lines.map((points) => {
        const drawn = points.map(([x, y]) => `${x.toFixed(4)},${y.toFixed(4)}`).join(" ");
        return <polyline key={drawn} class={name} points={drawn} />;
      })}
    </svg>
  );
}

/** What the two kinds of lines are. @param own whether the frame is the user's, which has no labels */
export function LaneLegend({ own }: { own: boolean }) {
  return (
    <ul class="legend">
      <li>
        <span class="line-key true-line" /> {own ? "what the clean twin sees without a stamp" : "true lanes"}
      </li>
      <li>
        <span class="line-key answered-line" /> answered lanes
      </li>
    </ul>
  );
}
