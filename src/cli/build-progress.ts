import type { ProgressEvent } from "../pipeline/build/context.ts";
import { TimeLeft } from "../pipeline/estimate/time-left.ts";
import { Progress } from "./progress.ts";

/**
 * Shows a build's progress on stderr: what each worker does and the time left, and where there is no terminal a line per
 * finished model too.
 */
export class BuildProgress {
  private readonly progress = new Progress("models");
  private total: number;
  private readonly stages = new Map<string, string>();
  private done = 0;
  private timeLeft: TimeLeft | undefined;

  /** @param total models of the plan; those that are there already no longer count once the build has begun */
  constructor(total: number) {
    this.total = total;
  }

  readonly report = (event: ProgressEvent): void => {
    if (event.type === "note") {
      this.progress.say(event.text);
      return;
    }
    if (event.type === "start") {
      this.total = Object.keys(event.expected).length;
      this.timeLeft = new TimeLeft(event.expected, event.jobs);
      return;
    }
    if (event.type === "stage") {
      this.stages.set(event.id, event.stage);
      this.timeLeft?.begin(event.id);
    } else {
      this.stages.delete(event.id);
      this.timeLeft?.finish(event.id, event.status === "duplicate" ? null : event.seconds);
      this.done++;
      const reason = event.reason ? ` (${event.reason})` : "";
      if (!process.stderr.isTTY) {
        const took = `${event.seconds.toFixed(0)} s`;
        this.progress.say(`${this.done}/${this.total} ${event.id}: ${event.status}${reason}, ${took}`);
      }
    }
    const what = [...this.stages].map(([id, stage]) => `${id}: ${stage}`).join(" | ");
    this.progress.update({ done: this.done, total: this.total, what, left: () => this.timeLeft?.seconds() ?? null });
  };

  stop(): void {
    this.progress.stop();
  }
}
