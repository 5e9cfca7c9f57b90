import { Presets, SingleBar } from "cli-progress";

const MEGABYTE = 1e6;

/** Seconds between two lines where stderr is no terminal. */
const LINE_EVERY = 5;

/** Shows downloads on stderr: a bar with the time left on a terminal, elsewhere a plain line now and then. */
export class DownloadProgress {
  private bar: SingleBar | null = null;
  private file = "";
  private lineAt = 0;

  readonly update = (file: string, bytes: number, total: number | null): void => {
    if (process.stderr.isTTY && total !== null) this.draw(file, bytes, total);
    else this.write(file, bytes, total);
  };

  stop(): void {
    this.bar?.stop();
    this.bar = null;
  }

  private draw(file: string, bytes: number, total: number): void {
    if (!this.bar || this.file !== file) {
      this.stop();
      const format = "{bar} {percentage} % of {size} MB | {eta_formatted} left | {file}";
      this.bar = new SingleBar({ format, stream: process.stderr, hideCursor: true, etaBuffer: 200 }, Presets.legacy);
      this.bar.start(total, bytes, { file, size: Math.round(total / MEGABYTE) });
      this.file = file;
    }
    this.bar.update(bytes);
    if (bytes >= total) this.stop();
  }

  private write(file: string, bytes: number, total: number | null): void {
    const now = performance.now() / 1000;
    if (now - this.lineAt < LINE_EVERY && bytes !== total) return;
    this.lineAt = now;
    const of = total === null ? "" : ` of ${(total / MEGABYTE).toFixed(1)}`;
    process.stderr.write(`${file}: ${(bytes / MEGABYTE).toFixed(1)}${of} MB\n`);
  }
}
