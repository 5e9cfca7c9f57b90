// npm makes a package's commands executable when it installs the package, but not again when a checkout at a place that
// npx has seen before is built anew: `npx bdefects` was then refused by the shell.
import { chmodSync } from "node:fs";

for (const file of process.argv.slice(2)) chmodSync(file, 0o755);
