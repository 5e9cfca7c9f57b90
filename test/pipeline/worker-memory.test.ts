import { expect, test } from "vitest";
import { workerEnvironment } from "../../src/pipeline/executors/worker-memory.ts";

test.skipIf(process.platform !== "linux")("workers ask for huge pages, unless the user has chosen otherwise", () => {
  expect(workerEnvironment({ HOME: "/h" })).toMatchObject({
    HOME: "/h",
    MALLOC_MMAP_MAX_: "0",
    GLIBC_TUNABLES: "glibc.malloc.hugetlb=1",
  });
  expect(workerEnvironment({ GLIBC_TUNABLES: "glibc.pthread.rseq=0" }).GLIBC_TUNABLES).toBe(
    "glibc.pthread.rseq=0:glibc.malloc.hugetlb=1",
  );
  const own = { GLIBC_TUNABLES: "glibc.malloc.hugetlb=0", MALLOC_MMAP_MAX_: "65536" };
  expect(workerEnvironment(own)).toMatchObject(own);
});
