import { Presets, SingleBar } from "cli-progress";
import type { ProgressEvent } from "../pipeline/context.ts";
import { inWords, TimeLeft } from "../pipeline/time-left.ts";

/** How often a stage is mentioned where there is no terminal. */
const QUIET_MS = 30_000;

/**
 * Shows a build's progress on stderr: on a terminal a bar with the time left and what each worker does, elsewhere a
 * line per finished model and, now and then, one on what is under way.
 */
export class BuildProgress {
  private readonly bar: SingleBar | undefined;
  private total: number;
  private readonly stages = new Map<string, string>();
  private done = 0;
  private spoken = Date.now();
  private timeLeft: TimeLeft | undefined;

  /** @param total models of the plan; those that are there already no longer count once the build has begun */
  constructor(total: number) {
    this.total = total;
    if (process.stderr.isTTY && total > 0) {
      const format = "{bar} {value}/{total} | {left} left | {what}";
      const options = { format, stream: process.stderr, hideCursor: true, clearOnComplete: true };
      this.bar = new SingleBar(options, Presets.shades_classic);
      this.bar.start(total, 0, { what: "starting", left: "?" });
    }
  }

  readonly report = (event: ProgressEvent): void => {
    if (event.type === "start") {
      this.total = Object.keys(event.expected).length;
      this.timeLeft = new TimeLeft(event.expected, event.jobs);
      this.bar?.setTotal(this.total);
      return;
    }
    if (event.type === "note") {
      // A bar redraws itself below the line.
      this.say(this.bar ? `\r\x1b[K${event.text}` : event.text);
      return;
    }
    if (event.type === "stage") {
      this.stages.set(event.id, event.stage);
      this.timeLeft?.begin(event.id);
      const what = [...this.stages].map(([id, stage]) => `${id}: ${stage}`).join(" | ");
      if (this.bar) this.bar.update(this.done, { what: what.slice(0, 100), left: this.left() });
      else if (Date.now() - this.spoken > QUIET_MS) this.say(`${what} | about ${this.left()} left`);
      return;
    }
    this.stages.delete(event.id);
    this.timeLeft?.finish(event.id, event.status === "duplicate" ? null : event.seconds);
    this.done++;
    this.bar?.update(this.done, { left: this.left() });
    const reason = event.reason ? ` (${event.reason})` : "";
    if (!this.bar) {
      this.say(`${this.done}/${this.total} ${event.id}: ${event.status}${reason}, ${event.seconds.toFixed(0)} s`);
    }
  };

  stop(): void {
    this.bar?.stop();
  }

  private left(): string {
    return this.timeLeft ? inWords(this.timeLeft.seconds()) : "?";
  }

  private say(line: string): void {
    this.spoken = Date.now();
    process.stderr.write(`${line}\n`);
  }
}
