import { crc32, deflateRawSync } from "node:zlib";
import { Header } from "tar";

/** An archive entry; without `data` a folder. `type` and `target` make links and worse. */
export interface Item {
  path: string;
  data?: Buffer;
  type?: "SymbolicLink" | "Link" | "CharacterDevice";
  target?: string;
  /** In a zip: compressed. */
  deflated?: boolean;
}

/** A plain tar (readers of tar.gz take it too), written by hand so that it may hold what no tool would write. */
export function tarOf(items: Item[]): Buffer {
  const blocks = items.flatMap(({ path, data, type, target }) => {
    const header = new Header({
      path,
      mode: 0o755,
      size: data?.length ?? 0,
      type: type ?? (data ? "File" : "Directory"),
      linkpath: target,
      mtime: new Date(0),
    });
    const block = Buffer.alloc(512);
    header.encode(block);
    const body = data ?? Buffer.alloc(0);
    return [block, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** A zip, its entries uncompressed but where they ask for it. */
export function zipOf(items: Item[]): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { path, data, type, target, deflated } of items) {
    const name = Buffer.from(path);
    const whole = type === "SymbolicLink" ? Buffer.from(target ?? "") : (data ?? Buffer.alloc(0));
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    const body = deflated ? deflateRawSync(whole) : whole;
    if (deflated) common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(whole), 10);
    common.writeUInt32LE(body.length, 14);
    common.writeUInt32LE(whole.length, 18);
    common.writeUInt16LE(name.length, 22);
    const entry = Buffer.alloc(16);
    const mode = type === "SymbolicLink" ? 0o120777 : data ? 0o100644 : 0o040755;
    entry.writeUInt32LE((mode << 16) >>> 0, 6);
    entry.writeUInt32LE(offset, 10);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, name, body]);
    directory.push(Buffer.from("PK\x01\x02"), Buffer.from([20, 3]), common, entry.subarray(0, 14), name);
    files.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(items.length, 4);
  end.writeUInt16LE(items.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...files, central, Buffer.from("PK\x05\x06"), end]);
}
