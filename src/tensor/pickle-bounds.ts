import type { InputError } from "../core/errors.ts";

/** What calls may make beyond as many elements as the pickle has bytes: a call on a remembered list costs three bytes. */
const MOST_MADE = 2_000_000;
/** Containers, bytes and objects in all: one byte of a pickle makes one. */
const MOST_OBJECTS = 4_000_000;
/** What a stack, a memo, a dict or a set holds. */
const MOST_HELD = 8_000_000;
const MOST_LISTED = 1 << 25;

/** DUP, GET, BINGET, LONG_BINGET: they push what is there already. */
const RECALLS = new Set([50, 103, 104, 106]);

/** How much a pickle may make, counted as it is read: a small one could make as much as it likes. */
export class PickleBounds {
  private readonly size: number;
  private readonly fault: (text: string) => InputError;
  private made = 0;
  private objects = 0;

  /** @param size of the pickle, in bytes. @param fault what each method throws */
  constructor(size: number, fault: (text: string) => InputError) {
    this.size = size;
    this.fault = fault;
  }

  /** Counts what a call gave: lists, bytes, dicts and sets by their elements. @returns it */
  counted<T>(value: T): T {
    if (Array.isArray(value) || value instanceof Uint8Array) this.count(value.length);
    else if (value instanceof Map || value instanceof Set) this.count(value.size);
    return value;
  }

  /** Counts elements that were made. */
  count(made: number): void {
    this.made += made;
    if (this.made > this.size + MOST_MADE) throw this.fault("it makes far more than it holds");
  }

  /** Counts a value that an opcode has pushed. @param onStack values with it */
  pushed(value: unknown, opcode: number, onStack: number): void {
    const isObject = typeof value === "object" && value !== null;
    if (isObject && !RECALLS.has(opcode) && ++this.objects > MOST_OBJECTS) throw this.tooMany();
    this.holds(onStack);
  }

  /** @param values of a stack, a memo, a dict or a set */
  holds(values: number): void {
    if (values > MOST_HELD) throw this.tooMany();
  }

  /** @param items of a list */
  lists(items: number): void {
    if (items > MOST_LISTED) throw this.tooMany();
  }

  private tooMany(): InputError {
    return this.fault("it holds more values than can be read");
  }
}
