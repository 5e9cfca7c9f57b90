// How large the built page is as a server sends it, without ONNX Runtime's WebAssembly. More than 300 kB fails.
import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const MOST_BYTES = 300_000;
const page = fileURLToPath(new URL("../dist/web/", import.meta.url));

let sum = 0;
for (const entry of readdirSync(page, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || ![".html", ".js", ".css", ".svg", ".wasm"].includes(extname(entry.name))) continue;
  const content = readFileSync(join(entry.parentPath, entry.name));
  const compressed = gzipSync(content, { level: 9 }).length;
  const isRuntime = entry.name.endsWith(".wasm");
  if (!isRuntime) sum += compressed;
  console.log(`${entry.name}: ${content.length} bytes, ${compressed} compressed${isRuntime ? " (not counted)" : ""}`);
}
console.log(`the page: ${(sum / 1000).toFixed(1)} kB compressed, at most ${MOST_BYTES / 1000}`);
process.exit(sum > MOST_BYTES ? 1 : 0);
