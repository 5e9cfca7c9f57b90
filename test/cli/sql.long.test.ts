import { describe, it } from "vitest";
import { expectEnd, expectNoReach } from "./statements.ts";

describe("a statement", () => {
  it.each([
    ["deaf to interrupts", "select repeat('x', 2000000000)", ["--timeout", "1"], /took more than 1 s/],
    [
      "too large for DuckDB",
      "select list(range) from range(1000000000)",
      [],
      /needs more memory than a query may have/,
    ],
    [
      "too large beyond DuckDB's count",
      "select list_transform(range(100000000), lambda x: x + 1)",
      [],
      /needs more memory/,
    ],
    ["of too many rows", "select range from range(1000000000)", [], /more than 3000000 values; add LIMIT/],
    ["of long texts", "select repeat('x', 1000000) from range(150)", [], /answer is larger than 100 MB; add LIMIT/],
    ["of one long list", "select range(60000000)", [], /needs more memory than a query may have/],
  ])("that is %s ends in one line", (_, statement, more, message) => expectEnd(statement, more, message));

  it.each([
    "select * from '/etc/passwd'",
    "select * from read_blob('/etc/hostname')",
    "select * from glob('/*')",
    "install httpfs",
    "attach 'x.db'",
    "set enable_external_access = true",
    "select 1; select 2",
    "set memory_limit = '99GB'",
    "pragma enable_profiling",
    "create or replace view defects as select 1",
    "explain analyze select 1",
    "select set_config('memory_limit', '99GB')",
  ])("cannot reach further: %s", expectNoReach);
});
