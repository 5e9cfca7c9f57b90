import type { StudyEvent } from "../pipeline/study/study.ts";
import { failureLine } from "./cell-progress.ts";
import { Progress } from "./progress.ts";

/** Shows on stderr how far a study is; failures at once. */
export class StudyProgress {
  private readonly progress = new Progress("cells");
  private total = 0;
  private failed = 0;

  readonly report = (event: StudyEvent): void => {
    if (event.type === "start") this.start(event);
    else if (event.type === "lost") this.fail(event.failure.cell, event.failure.reason);
    else if (event.type === "warning") this.progress.say(`warning: ${event.text}`);
    else this.go(event);
  };

  stop(): void {
    this.progress.stop();
  }

  private go({ outcome, over, left }: Extract<StudyEvent, { type: "cell" }>): void {
    if (outcome.status === "failed") this.fail(outcome.what, outcome.reason ?? "");
    const failed = this.failed > 0 ? `${this.failed} failed; ` : "";
    this.progress.update({ done: over, total: this.total, what: failed + outcome.what, left });
    if (over === this.total) {
      this.stop();
      this.progress.say(`${over} of ${over} cells${this.failed > 0 ? `, ${this.failed} failed` : ""}`);
    }
  }

  private start({ cells, finished, jobs }: Extract<StudyEvent, { type: "start" }>): void {
    this.total = cells;
    this.progress.say(`${cells} cells, of which ${finished} are finished; ${jobs} job(s)`);
  }

  private fail(what: string, reason: string): void {
    this.failed++;
    this.progress.say(failureLine({ what, error: new Error(reason) }).trimEnd());
  }
}
