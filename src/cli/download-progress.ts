import { Progress } from "./progress.ts";

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);

/** Shows downloads on stderr, one file after the other. */
export class DownloadProgress {
  private file = "";
  private progress: Progress | undefined;

  readonly update = (file: string, bytes: number, total: number | null): void => {
    if (!this.progress || this.file !== file) {
      this.stop();
      this.progress = new Progress("MB", megabytes);
      this.file = file;
    }
    if (total !== null) this.progress.update({ done: bytes, total, what: file });
    if (bytes !== total) return;
    this.stop();
    process.stderr.write(`${file}: ${megabytes(bytes)} MB\n`);
  };

  stop(): void {
    this.progress?.stop();
    this.progress = undefined;
  }
}
