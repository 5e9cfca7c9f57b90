/**
 * Something that a pickle names or makes and that is neither a tensor nor plain data: a class, a function, an object of
 * either. It is never constructed and never called; only its name and what was put into it are kept.
 */
export class Opaque {
  /** `module.name` of the class or function. */
  readonly name: string;
  /** What was set in it as in a dict. */
  readonly entries = new Map<unknown, unknown>();
  /** Its attributes as the pickle has them; null where it has none. */
  attributes: unknown = null;

  constructor(name: string) {
    this.name = name;
  }

  /** Whether it looks like a PyTorch module: a network pickled whole. */
  get isModule(): boolean {
    return this.attributes instanceof Map && this.attributes.has("_modules") && this.attributes.has("_parameters");
  }
}

/** A value that takes its attributes in a way of its own (opcode BUILD). */
export interface Buildable {
  /**
   * @returns how many bytes it made beyond those that it was given
   * @throws InputError where the attributes are not what such a value has
   */
  buildFrom(attributes: unknown): number;
}

export function isBuildable(value: unknown): value is Buildable {
  return typeof value === "object" && value !== null && "buildFrom" in value;
}
