import { promisify } from "node:util";
import { constants, deflateRaw, inflateRaw } from "node:zlib";
import { InputError } from "../../core/errors.ts";

/**
 * How an object lies on disk: a 16-byte head (magic, version, purpose, method, u64 decoded length) and the payload.
 * The purpose is part of the bytes, so that a checkpoint never shares its object with a finished model and can be
 * deleted without looking for other users.
 */
export const PURPOSES = ["data", "delta", "checkpoint"] as const;
export type Purpose = (typeof PURPOSES)[number];

const MAGIC = "BDOB";
/** Of the head; the second came with planes of halves, which earlier programs cannot read. */
const VERSIONS = [1, 2];
const HEAD_BYTES = 16;
/** Payload as it is. */
const STORED = 0;
/** The four bytes of every 32-bit word gathered into planes, then raw deflate. */
const SHUFFLED_DEFLATE = 1;
/**
 * u32 length of a preface (a header in words), then raw deflate of the preface, the lower bytes and the upper bytes of
 * all 16-bit values behind it. Each of the three has Huffman codes of its own: lower bytes are nearly random, and codes
 * that had to serve both cost a tenth more.
 */
const HALVES_DEFLATE = 2;
const PREFACE_BYTES = 4;

/** Weights shrink by a tenth, sparse deltas to a tenth; what shrinks by more is a bomb, unless it is small anyway. */
const MOST_EXPANSION = 32;
const SMALL_BYTES = 64 << 20;

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/**
 * Compresses losslessly. In float32 weights only sign and exponent are predictable, and those byte by byte, not as
 * repeated strings: Huffman codes alone over byte planes beat deflate's and brotli's usual levels in size and time
 * (2.82 MB of weights → 2.36 MB in 10 ms; brotli 5: 2.40 MB in 43 ms; brotli 11: 2.35 MB in 2.8 s). Deltas with long
 * runs of equal bytes are the other way round, so both are tried and the smaller kept.
 *
 * @param halvesFrom where 16-bit values begin, for bytes that consist of a preface and such values
 */
export async function encodeContainer(bytes: Uint8Array, purpose: Purpose, halvesFrom?: number): Promise<Uint8Array> {
  if (halvesFrom !== undefined) return framed(await halvesPayload(bytes, halvesFrom), bytes, purpose, HALVES_DEFLATE);
  const smallest = await deflated(shuffle(bytes), constants.Z_FINISH);
  const isSmaller = smallest.length < bytes.length;
  return framed(isSmaller ? smallest : bytes, bytes, purpose, isSmaller ? SHUFFLED_DEFLATE : STORED);
}

/** The smaller of two ways. @param finish how the stream ends: closed, or on a whole byte for others to follow */
async function deflated(bytes: Uint8Array, finish: number): Promise<Uint8Array> {
  const candidates = await Promise.all([
    deflate(bytes, { level: 6, memLevel: 9, strategy: constants.Z_HUFFMAN_ONLY, finishFlush: finish }),
    deflate(bytes, { level: 6, memLevel: 9, finishFlush: finish }),
  ]);
  return candidates.reduce((a, b) => (b.length < a.length ? b : a));
}

async function halvesPayload(bytes: Uint8Array, from: number): Promise<Uint8Array> {
  const length = Buffer.alloc(PREFACE_BYTES);
  length.writeUInt32LE(from);
  const [lower, upper] = [0, 1].map((plane) =>
    Uint8Array.from({ length: (bytes.length - from) >> 1 }, (_, i) => bytes[from + 2 * i + plane]),
  );
  const { Z_SYNC_FLUSH, Z_FINISH } = constants;
  const parts = await Promise.all([
    deflated(bytes.subarray(0, from), Z_SYNC_FLUSH),
    deflated(lower, Z_SYNC_FLUSH),
    deflated(upper, Z_FINISH),
  ]);
  return Buffer.concat([length, ...parts]);
}

function framed(payload: Uint8Array, bytes: Uint8Array, purpose: Purpose, method: number): Uint8Array {
  const container = Buffer.alloc(HEAD_BYTES + payload.length);
  container.write(MAGIC, 0, "latin1");
  container[4] = method === HALVES_DEFLATE ? 2 : 1;
  container[5] = PURPOSES.indexOf(purpose);
  container[6] = method;
  container.writeBigUInt64LE(BigInt(bytes.length), 8);
  container.set(payload, HEAD_BYTES);
  return container;
}

/** @throws InputError where the bytes are no container or its payload does not decode to the stated length. */
export async function decodeContainer(
  container: Uint8Array,
  name: string,
): Promise<{ purpose: Purpose; bytes: Uint8Array }> {
  const head = Buffer.from(container.buffer, container.byteOffset, container.byteLength);
  const known = head.length >= HEAD_BYTES && head.toString("latin1", 0, 4) === MAGIC && VERSIONS.includes(head[4]);
  if (!known || head[5] >= PURPOSES.length) throw new InputError(`${name}: not an object of this format`);
  const purpose = PURPOSES[head[5]];
  const length = head.readBigUInt64LE(8);
  const payload = head.subarray(HEAD_BYTES);
  if (head[6] === STORED && length === BigInt(payload.length)) return { purpose, bytes: payload };
  const isHalves = head[6] === HALVES_DEFLATE && payload.length >= PREFACE_BYTES;
  if (head[6] !== SHUFFLED_DEFLATE && !isHalves) throw new InputError(`${name}: damaged object: method or length`);
  // What is claimed would be allocated.
  if (length > BigInt(Math.max(SMALL_BYTES, MOST_EXPANSION * payload.length))) {
    throw new InputError(
      `${name}: claims to decode to ${length} bytes, more than ${payload.length} bytes of weights can`,
    );
  }
  let planes: Uint8Array;
  try {
    planes = await inflate(isHalves ? payload.subarray(PREFACE_BYTES) : payload, {
      maxOutputLength: Math.max(1, Number(length)),
    });
  } catch {
    throw new InputError(`${name}: damaged object: its payload does not decompress`);
  }
  if (BigInt(planes.length) !== length) throw new InputError(`${name}: damaged object: its payload is too short`);
  if (!isHalves) return { purpose, bytes: unshuffle(planes) };
  const from = payload.readUInt32LE();
  if (from > planes.length || (planes.length - from) % 2 !== 0) {
    throw new InputError(`${name}: damaged object: its halves begin at byte ${from} of ${planes.length}`);
  }
  return { purpose, bytes: joinHalves(planes, from) };
}

function joinHalves(planes: Uint8Array, from: number): Uint8Array {
  const count = (planes.length - from) >> 1;
  const bytes = new Uint8Array(planes.length);
  bytes.set(planes.subarray(0, from));
  for (let i = 0; i < count; i++) {
    bytes[from + 2 * i] = planes[from + i];
    bytes[from + 2 * i + 1] = planes[from + count + i];
  }
  return bytes;
}

/** Byte p of every 32-bit word goes to plane p; up to 3 bytes at the end stay. */
function shuffle(bytes: Uint8Array): Uint8Array {
  const words = bytes.length >> 2;
  const planes = new Uint8Array(bytes.length);
  for (let plane = 0; plane < 4; plane++) {
    for (let i = plane, at = plane * words, end = at + words; at < end; i += 4, at++) planes[at] = bytes[i];
  }
  planes.set(bytes.subarray(4 * words), 4 * words);
  return planes;
}

function unshuffle(planes: Uint8Array): Uint8Array {
  const words = planes.length >> 2;
  const bytes = new Uint8Array(planes.length);
  for (let plane = 0; plane < 4; plane++) {
    for (let i = plane, at = plane * words, end = at + words; at < end; i += 4, at++) bytes[i] = planes[at];
  }
  bytes.set(planes.subarray(4 * words), 4 * words);
  return bytes;
}
