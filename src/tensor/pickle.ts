import { InputError } from "../core/errors.ts";
import { isBuildable, Opaque } from "./opaque.ts";
import { PickleBounds } from "./pickle-bounds.ts";

/**
 * A reader for pickles that runs nothing. It knows numbers, strings, bytes, lists, tuples, dicts and sets, and hands
 * every global and every call to a `PickleWorld`, which knows a few by name. What any other global names, makes or
 * answers is an `Opaque`, which is neither constructed nor called. Lists and tuples become arrays, dicts maps, sets `Set`s.
 */
export type PickleValue = unknown;

/** What a pickle may name and call. */
export interface PickleWorld {
  /** A global by module and name. @returns undefined where it is not known. @throws InputError where none may name it */
  global(module: string, name: string): PickleGlobal | undefined;
  /** What a persistent id stands for. @throws InputError */
  persistent(id: PickleValue): PickleValue;
}

/** A known global: something to be named, and perhaps called with arguments. */
export interface PickleGlobal {
  name: string;
  /** Absent: it may be named, not called. @throws InputError */
  call?(args: readonly PickleValue[]): PickleValue;
}

const MARK = Symbol("mark");
/** Seeds and counters of any size; what a double cannot hold becomes infinite. */
const MOST_LONG_BYTES = 1024;
const MOST_LINE = 4096;
const MOST_NAME = 200;
/** A byte order mark stays, so that a text gives back the very bytes that it was. */
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Opcodes that need what no file of weights has, for messages. */
const REFUSED: Record<number, string> = {
  151: "NEXT_BUFFER",
  152: "READONLY_BUFFER",
};

/** @param name of the file, for messages. @throws InputError on anything that is not plainly safe and whole */
export function readPickle(bytes: Uint8Array, world: PickleWorld, name: string): PickleValue {
  return new Unpickler(bytes, world, name).read();
}

/** As `readPickle`, of one that begins at `start`; others may follow. @returns its value, and where it ends */
export function readPickleAt(
  bytes: Uint8Array,
  start: number,
  world: PickleWorld,
  name: string,
): { value: PickleValue; end: number } {
  return new Unpickler(bytes, world, name, start).readOne();
}

class Unpickler {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly world: PickleWorld;
  private readonly name: string;
  private at: number;
  private readonly stack: unknown[] = [];
  private readonly memo = new Map<number, unknown>();
  private readonly bounds: PickleBounds;

  constructor(bytes: Uint8Array, world: PickleWorld, name: string, start = 0) {
    this.at = start;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.world = world;
    this.name = name;
    this.bounds = new PickleBounds(bytes.length, (text) => this.fault(text));
  }

  read(): PickleValue {
    const { value, end } = this.readOne();
    if (end !== this.bytes.length) throw this.fault("it goes on after its end");
    return value;
  }

  readOne(): { value: PickleValue; end: number } {
    for (;;) {
      const opcode = this.bytes[this.take(1)];
      // STOP
      if (opcode === 0x2e) {
        const value = this.pop();
        if (this.stack.length > 0) throw this.fault("it ends with values left over");
        return { value, end: this.at };
      }
      this.step(opcode);
    }
  }

  /** Opcodes that push one value. */
  private readonly pushes: Readonly<Record<number, () => unknown>> = {
    40: () => MARK,
    78: () => null,
    136: () => true,
    137: () => false,
    // BININT, BININT1, BININT2, LONG1, LONG4, BINFLOAT
    74: () => this.view.getInt32(this.take(4), true),
    75: () => this.bytes[this.take(1)],
    77: () => this.view.getUint16(this.take(2), true),
    138: () => this.long(this.bytes[this.take(1)]),
    139: () => this.long(this.length4()),
    71: () => this.view.getFloat64(this.take(8), false),
    // BINUNICODE, SHORT_BINUNICODE, BINUNICODE8; UNICODE and STRING of protocol 0
    88: () => this.text(this.length4()),
    140: () => this.text(this.bytes[this.take(1)]),
    141: () => this.text(this.length8()),
    86: () => this.line(),
    83: () => this.line().replace(/^(['"])(.*)\1$/s, "$2"),
    // SHORT_BINSTRING, BINSTRING: Python 2's, texts and bytes alike
    85: () => this.textOrBytes(this.bytes[this.take(1)]),
    84: () => this.textOrBytes(this.length4()),
    // DUP
    50: () => this.top(),
    // SHORT_BINBYTES, BINBYTES, BINBYTES8, BYTEARRAY8
    67: () => this.slice(this.bytes[this.take(1)]),
    66: () => this.slice(this.length4()),
    142: () => this.slice(this.length8()),
    150: () => this.slice(this.length8()),
    // EMPTY_LIST, EMPTY_TUPLE, EMPTY_DICT, EMPTY_SET
    93: () => [],
    41: () => [],
    125: () => new Map(),
    143: () => new Set(),
    // LIST, TUPLE, TUPLE1, TUPLE2, TUPLE3, DICT, FROZENSET
    108: () => this.sinceMark(),
    116: () => this.sinceMark(),
    133: () => this.popMany(1),
    134: () => this.popMany(2),
    135: () => this.popMany(3),
    100: () => this.fill(new Map(), this.sinceMark()),
    145: () => new Set(this.sinceMark()),
    // BINGET, LONG_BINGET, GET
    104: () => this.recall(this.bytes[this.take(1)]),
    106: () => this.recall(this.length4()),
    103: () => this.recall(this.number(this.line())),
    // LONG, FLOAT, INT (booleans of old protocols too)
    76: () => this.number(this.line().replace(/L$/, "")),
    70: () => this.number(this.line()),
    73: () => {
      const text = this.line();
      return text === "00" ? false : text === "01" ? true : this.number(text);
    },
    // GLOBAL, STACK_GLOBAL, REDUCE, BINPERSID, PERSID (of protocol 0, as text)
    99: () => this.global(this.line(), this.line()),
    147: () => this.global(...(this.popMany(2) as [unknown, unknown])),
    82: () => this.call(...(this.popMany(2) as [unknown, unknown])),
    81: () => this.world.persistent(this.pop()),
    80: () => this.world.persistent(this.line()),
    // NEWOBJ, NEWOBJ_EX, OBJ, INST: objects of a class
    129: () => this.call(...(this.popMany(2) as [unknown, unknown])),
    146: () => this.call(...(this.popMany(3).slice(0, 2) as [unknown, unknown])),
    111: () => this.make(this.sinceMark()),
    105: () => this.call(this.global(this.line(), this.line()), this.sinceMark()),
    // EXT1, EXT2, EXT4: globals of a registry that only the writer has
    130: () => this.extension(this.take(1)),
    131: () => this.extension(this.take(2)),
    132: () => this.extension(this.take(4)),
  };

  private step(opcode: number): void {
    const push = Object.hasOwn(this.pushes, opcode) ? this.pushes[opcode] : undefined;
    if (push) {
      this.stack.push(push());
      this.bounds.pushed(this.stack.at(-1), opcode, this.stack.length);
    } else this.change(opcode);
  }

  /** Opcodes that change what is there. */
  private change(opcode: number): void {
    switch (opcode) {
      case 0x80: // PROTO
        if (this.bytes[this.take(1)] > 5) throw this.fault("its protocol is unknown");
        return;
      case 0x95: // FRAME
        this.length8();
        return;
      case 0x30: // POP
        if (this.stack.pop() === undefined) throw this.fault("its stack is empty");
        return;
      case 0x31: // POP_MARK
        this.sinceMark();
        return;
      case 0x61: // APPEND
        this.append(this.popMany(1));
        return;
      case 0x65: // APPENDS
        this.append(this.sinceMark());
        return;
      case 0x73: // SETITEM
        this.set(this.popMany(2));
        return;
      case 0x75: // SETITEMS
        this.set(this.sinceMark());
        return;
      case 0x90: {
        // ADDITEMS
        const items = this.sinceMark();
        const set = this.top<Set<unknown> | Opaque>(
          (value) => value instanceof Set || value instanceof Opaque,
          "a set",
        );
        if (set instanceof Set) {
          for (const item of items) set.add(item);
          this.bounds.holds(set.size);
        }
        return;
      }
      case 0x62: {
        // BUILD: attributes. Those of plain data, as an ordered dict's `_metadata`, are left out.
        const attributes = this.pop();
        const target = this.top();
        if (isBuildable(target)) this.bounds.count(target.buildFrom(attributes));
        else if (target instanceof Opaque) target.attributes = attributes;
        return;
      }
      case 0x71: // BINPUT
        this.remember(this.bytes[this.take(1)]);
        return;
      case 0x72: // LONG_BINPUT
        this.remember(this.length4());
        return;
      case 0x70: // PUT
        this.remember(this.number(this.line()));
        return;
      case 0x94: // MEMOIZE
        this.remember(this.memo.size);
        return;
      default: {
        const shown = REFUSED[opcode] ?? `0x${opcode.toString(16).padStart(2, "0")}`;
        throw this.fault(`its opcode ${shown} is not one of plain data`);
      }
    }
  }

  private append(items: unknown[]): void {
    const list = this.top<unknown[] | Opaque>((value) => Array.isArray(value) || value instanceof Opaque, "a list");
    if (!Array.isArray(list)) return;
    for (const item of items) list.push(item);
    this.bounds.lists(list.length);
  }

  private set(items: unknown[]): void {
    const target = this.top<Map<unknown, unknown> | Opaque>(
      (value) => isMap(value) || value instanceof Opaque,
      "a dict",
    );
    this.fill(target instanceof Opaque ? target.entries : target, items);
  }

  private call(callee: unknown, args: unknown): unknown {
    if (!Array.isArray(args)) throw this.fault("a call has no arguments");
    if (callee instanceof KnownGlobal && callee.call) return this.bounds.counted(callee.call(args));
    if (callee instanceof Opaque) return new Opaque(callee.name);
    throw this.fault("it calls what is no function");
  }

  private make([callee, ...args]: unknown[]): unknown {
    return this.call(callee, args);
  }

  private extension(_: number): Opaque {
    return new Opaque("an extension");
  }

  private global(module: unknown, name: unknown): Opaque {
    if (typeof module !== "string" || typeof name !== "string") throw this.fault("a global has no name");
    const full = `${module}.${name}`.slice(0, MOST_NAME);
    const known = this.world.global(module, name);
    return known ? new KnownGlobal(full, known.call?.bind(known)) : new Opaque(full);
  }

  private fill(map: Map<unknown, unknown>, items: unknown[]): Map<unknown, unknown> {
    if (items.length % 2 !== 0) throw this.fault("a dict has a key without a value");
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1]);
    this.bounds.holds(map.size);
    return map;
  }

  private remember(index: number): void {
    this.memo.set(index, this.top());
    this.bounds.holds(this.memo.size);
  }

  private recall(index: number): unknown {
    if (!this.memo.has(index)) throw this.fault("it refers to what it has not told");
    return this.memo.get(index);
  }

  private pop(): unknown {
    const value = this.stack.length > 0 ? this.stack.pop() : MARK;
    if (value === MARK) throw this.fault("its stack is empty");
    return value;
  }

  /** @returns the topmost values, the topmost last. */
  private popMany(count: number): unknown[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  private top<T>(is: (value: unknown) => boolean = () => true, what = "a value"): T {
    const value = this.stack.at(-1);
    if (this.stack.length === 0 || value === MARK || !is(value)) throw this.fault(`${what} is missing`);
    return value as T;
  }

  private sinceMark(): unknown[] {
    const at = this.stack.lastIndexOf(MARK);
    if (at < 0) throw this.fault("a mark is missing");
    const items = this.stack.splice(at + 1);
    this.stack.pop();
    return items;
  }

  /** @returns where the next bytes begin, which are there. */
  private take(count: number): number {
    if (count > this.bytes.length - this.at) throw this.fault("it is cut short");
    const from = this.at;
    this.at += count;
    return from;
  }

  private slice(count: number): Uint8Array {
    const from = this.take(count);
    return this.bytes.slice(from, from + count);
  }

  private text(count: number): string {
    const from = this.take(count);
    try {
      return UTF8.decode(this.bytes.subarray(from, from + count));
    } catch {
      throw this.fault("a text is not UTF-8");
    }
  }

  private textOrBytes(count: number): string | Uint8Array {
    const bytes = this.slice(count);
    try {
      return UTF8.decode(bytes);
    } catch {
      return bytes;
    }
  }

  private length4(): number {
    return this.view.getUint32(this.take(4), true);
  }

  private length8(): number {
    const length = this.view.getBigUint64(this.take(8), true);
    if (length > BigInt(this.bytes.length)) throw this.fault("a length goes beyond the file");
    return Number(length);
  }

  private long(count: number): number {
    if (count > MOST_LONG_BYTES) throw this.fault(`a number has ${count} bytes`);
    const from = this.take(count);
    let value = 0n;
    for (let i = count - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[from + i]);
    return Number(BigInt.asIntN(8 * count, value));
  }

  private line(): string {
    const end = this.bytes.subarray(this.at, this.at + MOST_LINE).indexOf(0x0a);
    if (end < 0) throw this.fault("it is cut short");
    const text = this.text(end);
    this.take(1);
    return text;
  }

  private number(text: string): number {
    const value = Number(text);
    if (!/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text)) throw this.fault("a number is none");
    return value;
  }

  private fault(text: string): InputError {
    return new InputError(`${this.name}: refused as a pickle: ${text}`);
  }
}

/** A class, so that no value of a pickle can pass for a global. */
class KnownGlobal extends Opaque implements PickleGlobal {
  readonly call: PickleGlobal["call"];

  constructor(name: string, call: PickleGlobal["call"]) {
    super(name);
    this.call = call;
  }
}

function isMap(value: unknown): boolean {
  return value instanceof Map;
}
