import { InputError } from "../../../core/errors.ts";
import { readDataFile } from "../../../files/data-file.ts";

/** An object of JSON that came from outside. @param most bytes @param mend what helps where it is none @throws InputError naming the file and its fault */
export function readJsonFile(path: string, most: number, mend = "download it again"): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(readDataFile(path, most)));
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${path}: is not JSON; ${mend}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InputError(`${path}: is JSON, but no object; ${mend}`);
  }
  return value as Record<string, unknown>;
}
