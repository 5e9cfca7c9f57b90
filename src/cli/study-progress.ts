import { Presets, SingleBar } from "cli-progress";
import type { StudyEvent } from "../pipeline/study/study.ts";
import { inWords } from "../pipeline/time-left.ts";
import { failureLine } from "./cell-progress.ts";

/** How often a line is written where there is no terminal. */
const QUIET_MS = 30_000;
/** How often the time left is worked out, which looks at every open cell. */
const BAR_MS = 1_000;

/** Shows on stderr how far a study is: on a terminal a bar, elsewhere a line now and then; failures at once. */
export class StudyProgress {
  private bar: SingleBar | undefined;
  private total = 0;
  private failed = 0;
  private spoken = Date.now();
  private left = "?";

  readonly report = (event: StudyEvent): void => {
    if (event.type === "start") this.start(event);
    else if (event.type === "lost") this.fail(event.failure.cell, event.failure.reason);
    else if (event.type === "warning") this.say(`warning: ${event.text}\n`);
    else this.go(event);
  };

  stop(): void {
    this.bar?.stop();
  }

  private go({ outcome, over, left }: Extract<StudyEvent, { type: "cell" }>): void {
    if (outcome.status === "failed") this.fail(outcome.what, outcome.reason ?? "");
    const due = Date.now() - this.spoken > (this.bar ? BAR_MS : QUIET_MS);
    if (due) {
      const seconds = left();
      this.left = seconds === null ? "?" : inWords(seconds);
      this.spoken = Date.now();
    }
    if (this.bar) this.bar.update(over, { what: outcome.what, left: this.left });
    else if (due || over === this.total) {
      const failed = this.failed > 0 ? `, ${this.failed} failed` : "";
      const rest = over === this.total ? "" : `, about ${this.left} left`;
      process.stderr.write(`${over}/${this.total} cells${failed}${rest} (${outcome.what})\n`);
    }
  }

  private start({ cells, finished, jobs }: Extract<StudyEvent, { type: "start" }>): void {
    this.total = cells;
    process.stderr.write(`${cells} cells, of which ${finished} are finished; ${jobs} job(s)\n`);
    if (!process.stderr.isTTY || finished === cells) return;
    const format = "{bar} {value}/{total} | {left} left | {what}";
    this.bar = new SingleBar(
      { format, stream: process.stderr, hideCursor: true, clearOnComplete: true },
      Presets.shades_classic,
    );
    this.bar.start(cells, finished, { what: "starting", left: "?" });
  }

  private fail(what: string, reason: string): void {
    this.failed++;
    this.say(failureLine({ what, error: new Error(reason) }));
  }

  /** A bar redraws itself below the line. */
  private say(line: string): void {
    process.stderr.write(`${this.bar ? "\r\x1b[K" : ""}${line}`);
  }
}
