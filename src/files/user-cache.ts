import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** This program's folder in the user's cache, by the platform's custom. XDG's has a relative path ignored. */
export function userCache(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (process.platform === "win32" && LOCALAPPDATA) return join(LOCALAPPDATA, "bdefects4nn");
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches", "bdefects4nn");
  const isStated = XDG_CACHE_HOME !== undefined && isAbsolute(XDG_CACHE_HOME);
  return join(isStated ? XDG_CACHE_HOME : join(homedir(), ".cache"), "bdefects4nn");
}

/** The variable that leads to another cache, for messages. */
export function userCacheVariable(): string {
  if (process.platform === "win32") return "LOCALAPPDATA";
  return process.platform === "darwin" ? "HOME" : "XDG_CACHE_HOME";
}

/** Where databases that live as archives are unpacked. */
export function unpackedDir(): string {
  return join(userCache(), "databases");
}

/** Where data sets lie unless told otherwise. */
export function defaultDataDir(): string {
  return join(userCache(), "data");
}
