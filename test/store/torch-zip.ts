import { type Item, zipOf } from "../datasets/archives.ts";

/** A checkpoint of hand-written bytes. */
export function torchZip(data: Uint8Array, storages: Record<string, Uint8Array> = {}, more: Item[] = []): Buffer {
  return zipOf([
    { path: "x/data.pkl", data: Buffer.from(data) },
    { path: "x/byteorder", data: Buffer.from("little") },
    ...Object.entries(storages).map(([key, bytes]) => ({ path: `x/data/${key}`, data: Buffer.from(bytes) })),
    { path: "x/version", data: Buffer.from("3\n") },
    ...more,
  ]);
}
