import { deflateSync, inflateSync } from "node:zlib";
import { convertIndexedToRgb, decode } from "fast-png";
import { InputError } from "../core/errors.ts";
import { CHANNELS, type Picture } from "./picture.ts";

const SIGNATURE_BYTES = 8;
/** Length, type and CRC around a chunk's content. */
const FRAME_BYTES = 12;
/** Some writers pad what they compress. */
const SLACK_BYTES = 1 << 16;

const GREY = 0;
const INDEXED = 3;
/** Samples of a pixel, and of how many bits they may be, by colour type (PNG specification, table 8). */
const COLOUR_TYPES: Record<number, { samples: number; depths: readonly number[] }> = {
  [GREY]: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  [INDEXED]: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
};

interface Header {
  width: number;
  height: number;
  depth: number;
  colour: number;
  isInterlaced: boolean;
}

/**
 * Decodes a PNG, of an animated one its first picture: greys become RGB, opacity is dropped, 16 bits become 8. What it says beside
 * its pixels is not unpacked, nor more than the pixels that its header states.
 *
 * @param name the file's name, for messages. @throws InputError where it is damaged or of more than `most` pixels
 */
export function decodePng(bytes: Uint8Array, name: string, most: number): Picture {
  const refuse = (text: string) => new InputError(`${name}: ${text}`);
  const chunks = chunksOf(bytes);
  const [first] = chunks;
  if (first?.type !== "IHDR" || first.content.length !== 13) throw refuse("is damaged: a PNG begins with its size");
  const header = headerOf(first.content);
  const { width, height, depth, colour, isInterlaced } = header;
  if (width === 0 || height === 0) throw refuse(`is a picture of ${width}×${height}: it has no pixels`);
  if (width * height > most) throw refuse(`is too large (${width * height} pixels)`);
  const type = COLOUR_TYPES[colour];
  if (!type?.depths.includes(depth))
    throw refuse(`is damaged: colour type ${colour} of ${depth} bits is none of PNG's`);
  if (isInterlaced && depth < 8) throw refuse(`is interlaced, of ${depth} bits; save it without interlacing`);
  const palette = chunks.find((chunk) => chunk.type === "PLTE");
  if (colour === INDEXED && !palette) throw refuse("is damaged: it lacks the palette");
  const pixels = unpacked(chunks, rawBytes(header, type.samples), refuse);
  const png = decode(
    // Pixels as they are now, and nothing that could be unpacked any further.
    join(bytes, [
      first,
      ...(colour === INDEXED ? [palette!] : []),
      { type: "IDAT", content: deflateSync(pixels, { level: 0 }) },
    ]),
  );
  const rgb = new Uint8Array(CHANNELS * width * height);
  const source = colour === INDEXED ? convertIndexedToRgb(png) : depth < 8 ? unpackedGreys(png.data, header) : png.data;
  const samples = source.length / (width * height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < CHANNELS; c++) {
      const value = source[samples * i + (samples < CHANNELS ? 0 : c)];
      rgb[CHANNELS * i + c] = depth > 8 ? value >> 8 : value;
    }
  }
  return { width, height, rgb };
}

interface Chunk {
  type: string;
  content: Uint8Array;
}

/** Chunks as far as they are whole. */
function chunksOf(bytes: Uint8Array): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  for (let at = SIGNATURE_BYTES; at + FRAME_BYTES <= bytes.length; ) {
    const end = at + FRAME_BYTES + view.getUint32(at);
    if (end > bytes.length) break;
    const type = Buffer.from(bytes.subarray(at + 4, at + 8)).toString("latin1");
    chunks.push({ type, content: bytes.subarray(at + 8, end - 4) });
    if (type === "IEND") break;
    at = end;
  }
  return chunks;
}

function headerOf(content: Uint8Array): Header {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const [depth, colour] = [content[8], content[9]];
  return { width: view.getUint32(0), height: view.getUint32(4), depth, colour, isInterlaced: content[12] !== 0 };
}

/** Where each pass of Adam7 begins and how far it steps: x, y, step of x, step of y. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

/** How many bytes the pixels are before they are compressed: each line has one for its filter. */
function rawBytes({ width, height, depth, isInterlaced }: Header, samples: number): number {
  const lines = (w: number, h: number) => (w > 0 ? h * (1 + Math.ceil((w * samples * depth) / 8)) : 0);
  if (!isInterlaced) return lines(width, height);
  return ADAM7.reduce(
    (sum, [x, y, dx, dy]) => sum + lines(Math.ceil((width - x) / dx), Math.max(0, Math.ceil((height - y) / dy))),
    0,
  );
}

/** The bytes of the pixels, and no more of them than there must be. */
function unpacked(chunks: Chunk[], count: number, refuse: (text: string) => InputError): Uint8Array {
  const packed = Buffer.concat(chunks.filter(({ type }) => type === "IDAT").map(({ content }) => content));
  let pixels: Buffer;
  try {
    pixels = inflateSync(packed, { maxOutputLength: count + SLACK_BYTES });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      throw refuse("unpacks to more than the pixels of its size");
    }
    throw refuse("cannot be decoded, it is damaged or cut short");
  }
  if (pixels.length < count) throw refuse("is cut short: pixels are missing");
  return pixels.subarray(0, count);
}

/** A PNG of these chunks; nobody checks their CRCs. */
function join(signature: Uint8Array, chunks: Chunk[]): Uint8Array {
  const parts = [signature.subarray(0, SIGNATURE_BYTES)];
  for (const { type, content } of [...chunks, { type: "IEND", content: new Uint8Array(0) }]) {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(content.length);
    head.write(type, 4, "latin1");
    parts.push(head, content, new Uint8Array(4));
  }
  return Buffer.concat(parts);
}

/** Greys of 1, 2 or 4 bits, from 0 to 255: the lines are padded to whole bytes. */
function unpackedGreys(packed: ArrayLike<number>, { width, height, depth }: Header): Uint8Array {
  const lineBytes = Math.ceil((width * depth) / 8);
  const highest = 2 ** depth - 1;
  const greys = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const shift = 8 - depth - ((x * depth) % 8);
      const byte = packed[y * lineBytes + Math.floor((x * depth) / 8)];
      greys[y * width + x] = (((byte >> shift) & highest) * 255) / highest;
    }
  }
  return greys;
}
