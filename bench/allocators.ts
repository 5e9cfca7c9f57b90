import { existsSync } from "node:fs";
import { HUGE_PAGES, KEPT } from "../src/pipeline/executors/worker-memory.ts";

/**
 * How a PyTorch process allocates. glibc's default gives large blocks back to the system and takes them again for every
 * operator; the others are what users who know PyTorch on a processor set before they start it.
 */
export const ALLOCATORS = ["default", "glibc-keeps", "glibc-huge-pages", "tcmalloc", "jemalloc"] as const;
export type Allocator = (typeof ALLOCATORS)[number];

const FOLDERS = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
const LIBRARIES = {
  tcmalloc: ["libtcmalloc_minimal.so.4", "libtcmalloc.so.4"],
  jemalloc: ["libjemalloc.so.2"],
};

/** The variables that choose an allocator; undefined where it is not installed. */
export function allocatorVariables(allocator: Allocator): Record<string, string> | undefined {
  switch (allocator) {
    case "default":
      return {};
    case "glibc-keeps":
      return KEPT;
    case "glibc-huge-pages":
      return { ...KEPT, GLIBC_TUNABLES: HUGE_PAGES };
    default: {
      const library = LIBRARIES[allocator]
        .flatMap((name) => FOLDERS.map((folder) => `${folder}/${name}`))
        .find((path) => existsSync(path));
      return library === undefined ? undefined : { LD_PRELOAD: library };
    }
  }
}
