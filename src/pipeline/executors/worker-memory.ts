/** glibc keeps what was freed. */
export const KEPT = {
  MALLOC_MMAP_MAX_: "0",
  MALLOC_TRIM_THRESHOLD_: String(2 ** 34),
  MALLOC_TOP_PAD_: String(2 ** 26),
};
/** glibc asks for huge pages; a value of GLIBC_TUNABLES. */
export const HUGE_PAGES = "glibc.malloc.hugetlb=1";

/**
 * The environment of a worker process: this one's, and on Linux glibc's allocator told to keep what it has and to ask for huge
 * pages. A step writes hundreds of megabytes that were freed by the step before; giving them back to the system and taking
 * them again, page by page, costs up to a tenth of it (docs/benchmarks.md). Other C libraries do not read these variables.
 *
 * @param own variables that the user has set win
 */
export function workerEnvironment(own: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  if (process.platform !== "linux") return own;
  const tunables = own.GLIBC_TUNABLES;
  return {
    ...KEPT,
    ...own,
    GLIBC_TUNABLES: tunables?.includes("glibc.malloc.") ? tunables : [tunables, HUGE_PAGES].filter(Boolean).join(":"),
  };
}
