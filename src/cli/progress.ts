import { Presets, SingleBar } from "cli-progress";
import { oneLine, visible } from "../core/visible.ts";
import { inWords } from "../pipeline/estimate/time-left.ts";

/** How far some work is. */
export interface Step {
  done: number;
  total: number;
  /** What is at hand. */
  what: string;
  /** Seconds until the end; absent: by the pace so far. Null: unknown. */
  left?: () => number | null;
}

/** Where progress is shown, and by which clock. */
export interface ProgressPlace {
  stream?: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
  /** Milliseconds. */
  now?: () => number;
}

/** Without a terminal a line is written at most as often. */
export const LINE_EVERY_MS = 10_000;
/** How often a bar works out the time left, which may look at every open cell. */
const LEFT_EVERY_MS = 1000;
const BAR_COLUMNS = 24;
const NARROW_BAR_COLUMNS = 8;
const LEAST_WHAT = 10;

/**
 * The progress of a verb on stderr: on a terminal a bar with the time left, elsewhere a line now and then, e.g. `12 of 40
 * cells, about 3 min left (ID nc)`. The terminal is left as it was, whatever ends the program.
 */
export class Progress {
  private readonly noun: string;
  private readonly show: (count: number) => string;
  private readonly stream: NonNullable<ProgressPlace["stream"]>;
  private readonly now: () => number;
  private bar: SingleBar | undefined;
  private first: { at: number; done: number } | undefined;
  /** When the count grew last. */
  private reached: { at: number; done: number } | undefined;
  private last: Step | undefined;
  private tick: NodeJS.Timeout | undefined;
  private spoken: number;
  private left: { at: number; text: string } | undefined;

  /** @param noun of what is counted, in the plural @param show how a count is written */
  constructor(noun: string, show: (count: number) => string = String, place: ProgressPlace = {}) {
    this.noun = noun;
    this.show = show;
    this.stream = place.stream ?? process.stderr;
    this.now = place.now ?? Date.now;
    this.spoken = this.now();
  }

  readonly update = (step: Step): void => {
    this.last = step;
    this.first ??= { at: this.now(), done: step.done };
    if (this.reached?.done !== step.done) this.reached = { at: this.now(), done: step.done };
    if (this.stream.isTTY && process.env.TERM !== "dumb") this.draw(step);
    else if (this.now() - this.spoken >= LINE_EVERY_MS) this.say(this.line(step));
  };

  /** A line of its own at once; a bar draws itself again below it. */
  readonly say = (line: string): void => {
    this.spoken = this.now();
    this.stream.write(`${this.bar ? "\r\x1b[K" : ""}${oneLine(line)}\n`);
  };

  stop(): void {
    clearInterval(this.tick);
    this.tick = undefined;
    this.bar?.stop();
    this.bar = undefined;
  }

  private line(step: Step): string {
    const what = step.what === "" ? "" : ` (${visible(step.what)})`;
    return `${this.show(step.done)} of ${this.show(step.total)} ${this.noun}${this.leftText(step)}${what}`;
  }

  private draw(step: Step): void {
    const { done, total } = step;
    if (total <= 0) return;
    const columns = this.stream.columns || 80;
    const barsize = columns < 80 ? NARROW_BAR_COLUMNS : BAR_COLUMNS;
    const all = `${this.show(done)} of ${this.show(total)} ${this.noun}${this.leftText(step)}`;
    const counts = all.slice(0, Math.max(columns - barsize - 3, 0));
    const room = columns - barsize - counts.length - 4;
    const what = room < LEAST_WHAT ? "" : visible(step.what).slice(0, room);
    if (!this.bar) {
      // Neither the cursor nor the wrapping of lines is touched: an interrupt would leave them so.
      this.bar = new SingleBar(
        {
          ...{ format: "{bar} {counts} {what}", stream: this.stream, barsize, hideCursor: false },
          // Else the first interrupt would end the bar alone.
          gracefulExit: false,
          ...{ linewrap: true, clearOnComplete: true, emptyOnZero: true },
        },
        Presets.shades_classic,
      );
      this.bar.start(total, done, { counts, what });
      // One step may take minutes, in which the time that is left gets less.
      this.tick = setInterval(() => this.last && this.draw(this.last), LEFT_EVERY_MS).unref();
    }
    if (this.bar.getTotal() !== total) this.bar.setTotal(total);
    this.bar.update(done, { counts, what });
  }

  private leftText({ done, total, left }: Step): string {
    if (done >= total) return "";
    const now = this.now();
    if (!this.left || now - this.left.at >= LEFT_EVERY_MS) {
      const seconds = left ? left() : this.byPace(done, total);
      this.left = { at: now, text: seconds === null ? "" : `, about ${inWords(seconds)} left` };
    }
    return this.left.text;
  }

  private byPace(done: number, total: number): number | null {
    const { first, reached } = this;
    if (!first || !reached || done <= first.done) return null;
    const each = (reached.at - first.at) / 1000 / (done - first.done);
    // What is under way and takes longer than others did may take any time.
    const underWay = Math.max(each - (this.now() - reached.at) / 1000, 0);
    const left = each * (total - done - 1) + underWay;
    return left > 0 ? left : null;
  }
}
