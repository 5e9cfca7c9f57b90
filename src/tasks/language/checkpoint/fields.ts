import { InputError } from "../../../core/errors.ts";

/** Reads fields of a JSON object that came from outside, each within its bounds. */
export class Fields {
  private readonly values: Record<string, unknown>;
  private readonly path: string;

  /** @param path the file, for messages */
  constructor(values: Record<string, unknown>, path: string) {
    this.values = values;
    this.path = path;
  }

  /** What the file says; null where it says nothing. */
  raw(name: string): unknown {
    return Object.hasOwn(this.values, name) ? this.values[name] : null;
  }

  has(name: string): boolean {
    return this.raw(name) !== null && this.raw(name) !== undefined;
  }

  /** A whole number from 1 on. @param otherwise where the file says nothing; without it the field must be there */
  count(name: string, most: number, otherwise?: number): number {
    if (!this.has(name) && otherwise !== undefined) return otherwise;
    const value = this.raw(name);
    if (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= most) return value as number;
    return this.fail(name, `a whole number from 1 to ${most}`);
  }

  number(name: string, least: number, most: number, otherwise: number): number {
    if (!this.has(name)) return otherwise;
    const value = this.raw(name);
    if (typeof value === "number" && value >= least && value <= most) return value;
    return this.fail(name, `a number from ${least} to ${most}`);
  }

  flag(name: string, otherwise: boolean): boolean {
    if (!this.has(name)) return otherwise;
    const value = this.raw(name);
    return typeof value === "boolean" ? value : this.fail(name, "true or false");
  }

  /** Refuses any value but these, which this program computes with. */
  only(name: string, valid: readonly unknown[]): void {
    if (!this.has(name) || valid.includes(this.raw(name))) return;
    this.fail(name, `${valid.map((value) => JSON.stringify(value)).join(" or ")}, which is what is computed here`);
  }

  fail(name: string, wanted: string): never {
    const shown = this.has(name) ? `is ${shorten(this.raw(name))}` : "is missing";
    throw new InputError(`${this.path}: ${name} ${shown}; it must be ${wanted}`);
  }
}

/** A value from outside, as a message can show it. */
export function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
