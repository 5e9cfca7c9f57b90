// Known vulnerabilities of what is installed. `npm audit` where the registry answers it: a finding of level high or above
// fails. Many mirrors do not; then the direct dependencies are held against their maintainers' own warnings (deprecated
// versions), which every registry serves. No answer at all is printed and no failure.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";

const TIMEOUT_MS = 60_000;

/** What npm prints as JSON; null where it could not answer. */
function npm(...args) {
  return new Promise((resolve) => {
    execFile("npm", [...args, "--json"], { timeout: TIMEOUT_MS, maxBuffer: 1 << 26 }, (error, stdout) => {
      try {
        // Findings end with status 1 and JSON all the same.
        resolve(stdout.trim() === "" ? (error ? null : "") : JSON.parse(stdout));
      } catch {
        resolve(null);
      }
    });
  });
}

const audit = await npm("audit", "--audit-level=high");
if (audit?.auditReportVersion !== undefined) {
  const { high, critical, total } = audit.metadata.vulnerabilities;
  console.log(`npm audit: ${total} findings, of them high or critical: ${high + critical}`);
  for (const { name, severity, range } of Object.values(audit.vulnerabilities))
    console.log(`  ${severity}: ${name} ${range}`);
  process.exit(high + critical > 0 ? 1 : 0);
}

console.log(
  `the registry answers no audit${audit?.statusCode ? ` (${audit.statusCode})` : ""}; looking for deprecated versions`,
);
const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
const { dependencies, devDependencies } = packages[""];
const names = Object.keys({ ...dependencies, ...devDependencies });
const answers = [];
for (const name of names) {
  const { version } = packages[`node_modules/${name}`];
  const answer = await npm("view", `${name}@${version}`, "version", "deprecated");
  if (answer === null || answer.error) {
    // One silence is enough: the others would wait as long.
    console.log(`the registry does not answer for ${name}; skipped`);
    break;
  }
  answers.push({ name, version, deprecated: answer.deprecated });
}
const deprecated = answers.filter((answer) => answer.deprecated);
for (const { name, version, deprecated: why } of deprecated) console.log(`  deprecated: ${name}@${version}: ${why}`);
console.log(`${answers.length} of ${names.length} direct dependencies looked at, deprecated: ${deprecated.length}`);
process.exitCode = deprecated.length > 0 ? 1 : 0;
