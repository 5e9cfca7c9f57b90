import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, cpus, totalmem } from "node:os";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { DEFAULT_SEED } from "../../core/seed.ts";
import { packageVersion } from "../../store/version.ts";
import { fieldsOption, formatOption, longOption, type SharedOptions } from "../options.ts";
import { emitRows } from "../output.ts";

/** Versions of what a result depends on, and the machine. */
export function registerEnv(program: Command): void {
  program
    .command("env")
    .description("versions, devices and whether they open, isolation of plug-ins, default seed")
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .action(async (output: SharedOptions) => {
      const { deviceStates } = await import("../../pipeline/device/device.ts");
      const { isolationFault } = await import("../../pipeline/plugin/isolation.ts");
      const devices = await deviceStates();
      const facts = {
        bdefects4nn: packageVersion(),
        node: process.versions.node,
        "onnxruntime-node": installedVersion("onnxruntime-node"),
        duckdb: installedVersion("@duckdb/node-api"),
        platform: `${process.platform}-${process.arch}`,
        cpu: cpus()[0]?.model.trim() ?? null,
        cores: availableParallelism(),
        memory_bytes: totalmem(),
        ...Object.fromEntries(devices.map(({ device, fault }) => [`device_${device}`, fault ?? "opens"])),
        plugin_isolation: isolationFault() ?? "namespaces",
        default_seed: DEFAULT_SEED,
      };
      if (output.format === "table") {
        emitRows(
          Object.entries(facts).map(([name, value]) => ({ name, value: value === null ? null : String(value) })),
          output,
          { text: "value", wrapped: true },
        );
      } else {
        emitRows([facts], output);
      }
    });
}

/** A dependency's version from its package.json, without loading it. */
function installedVersion(name: string): string | null {
  const require = createRequire(import.meta.url);
  try {
    let folder = dirname(require.resolve(name));
    while (dirname(folder) !== folder) {
      try {
        const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<string, string>;
        if (manifest.name === name) return manifest.version;
      } catch {
        // No package.json at this level: the package's root is further up.
      }
      folder = dirname(folder);
    }
  } catch {
    // Not installed for this platform: unknown.
  }
  return null;
}
