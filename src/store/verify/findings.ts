import { relative } from "node:path";
import { InputError } from "../../core/errors.ts";

/** What verifying found: a `fault` breaks a promise of the database, a `note` is worth knowing and harmless. */
export interface Finding {
  severity: "fault" | "note";
  /** Path inside the database. */
  file: string;
  id: string | null;
  finding: string;
}

/** Collects what verifying finds, each fault of a file once. */
export class Findings {
  readonly list: Finding[] = [];
  private readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  fault(path: string, finding: string, id: string | null = null): void {
    this.add("fault", path, finding, id);
  }

  note(path: string, finding: string, id: string | null = null): void {
    this.add("note", path, finding, id);
  }

  /** Runs a check of a file; bad input that it throws is a fault. @returns null then. */
  async check<T>(path: string, id: string | null, work: () => T | Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.fault(path, error.message.replace(`${path}: `, ""), id);
      return null;
    }
  }

  private add(severity: Finding["severity"], path: string, finding: string, id: string | null): void {
    const file = relative(this.dir, path).replaceAll("\\", "/");
    const known = this.list.some(
      (other) => other.file === file && other.finding === finding && (id === null || other.id === id),
    );
    if (!known) this.list.push({ severity, file, id, finding });
  }
}
