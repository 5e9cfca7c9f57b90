import { describe, expect, it } from "vitest";
import { textOf } from "./sources.ts";

interface Locked {
  version?: string;
  integrity?: string;
  resolved?: string;
  link?: boolean;
  optional?: boolean;
  optionalDependencies?: Record<string, string>;
}

const { packages } = JSON.parse(textOf("package-lock.json")) as { packages: Record<string, Locked> };
const manifest = JSON.parse(textOf("package.json")) as Record<string, unknown> & { workspaces: string[] };

/** A folder of this repository, and npm's link to it, which come from no registry. */
const isOwn = (path: string, { link, resolved }: Locked) =>
  path === "" || manifest.workspaces.includes(link && resolved !== undefined ? resolved : path);
const installed = Object.entries(packages).filter(([path, locked]) => !isOwn(path, locked));

/** A SHA-512 in base64: 88 characters. */
const SHA512 = /^sha512-[A-Za-z0-9+/]{86}==$/;

describe("package-lock.json", () => {
  it("vouches for every package by its hash, those for other platforms too", () => {
    expect(installed.length).toBeGreaterThan(200);
    expect(installed.filter(([, { integrity }]) => !SHA512.test(integrity ?? "")).map(([path]) => path)).toEqual([]);
  });

  it("holds every platform package that a package names", () => {
    const missing = installed.flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !isFound(path, name))
        .map((name) => `${path}: ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it("names no registry's address and follows package.json", () => {
    expect(installed.filter(([, { resolved, link }]) => resolved !== undefined || link).map(([path]) => path)).toEqual(
      [],
    );
    const { dependencies, devDependencies } = packages[""] as Record<string, unknown>;
    expect([dependencies, devDependencies]).toEqual([manifest.dependencies, manifest.devDependencies]);
  });
});

/** As Node resolves it: beside the package that asks, or above. */
function isFound(path: string, name: string): boolean {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf("/node_modules/")))) {
    if (`${at === "" ? "" : `${at}/`}node_modules/${name}` in packages) return true;
    if (at === "") return false;
  }
}
