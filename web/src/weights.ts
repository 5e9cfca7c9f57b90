import { bytesToHex } from "@noble/hashes/utils.js";
import { sha256Hex } from "../../src/core/hash.ts";
import { applyDelta, deltaBase } from "../../src/tensor/delta.ts";
import { decodeState, encodeState } from "../../src/tensor/safetensors.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { bytesOf } from "./fetched.ts";

/** Versions that were loaded: those of one network share their clean model, so the next defect needs less. */
const loaded = new Map<string, Promise<StateDict>>();
/** Bytes of weights that are kept: some tens of models of width 8. */
const MOST_BYTES = 160e6;
let bytes = 0;
/** What each delta is against, as far as it was read. */
const bases = new Map<string, string>();
/** A sham may be against the infected model, that against the clean twin, and that against the clean model. */
const LONGEST_CHAIN = 4;

/**
 * A version's weights, to the bit: the clean model as it is, every other one as deltas upon it, whose result is held against
 * the version's hash.
 *
 * @param base the hash of the clean model
 * @throws Error where a file is missing, or something else comes of it
 */
export function loadWeights(sha256: string, base: string): Promise<StateDict> {
  let state = loaded.get(sha256);
  if (!state) {
    if (bytes >= MOST_BYTES) {
      loaded.clear();
      bytes = 0;
    }
    state = sha256 === base ? readWhole(sha256) : readUpon(sha256, base);
    loaded.set(sha256, state);
    state.catch(() => loaded.delete(sha256));
  }
  return state;
}

async function readWhole(sha256: string): Promise<StateDict> {
  const name = `models/${sha256}.safetensors`;
  return verified(decodeState(await bytesOf(name), name, ["F32", "F16"]), sha256, name);
}

async function readUpon(sha256: string, base: string): Promise<StateDict> {
  const name = `deltas/${sha256}.delta`;
  // The clean model is on its way meanwhile.
  void loadWeights(base, base).catch(() => undefined);
  const delta = await bytesOf(name);
  const below = deltaBase(delta, name);
  bases.set(sha256, below);
  if (!endsWell(below)) throw new Error(`data/${name}: is a delta against deltas without end`);
  return verified(applyDelta(await loadWeights(below, base), below, delta, name), sha256, name);
}

/** Whether the deltas below one are few: they would wait for each other for ever where they lead back to it. */
function endsWell(below: string): boolean {
  let at: string | undefined = below;
  for (let chain = 1; at !== undefined; chain++) {
    if (chain > LONGEST_CHAIN) return false;
    at = bases.get(at);
  }
  return true;
}

async function verified(state: StateDict, sha256: string, name: string): Promise<StateDict> {
  const encoded = encodeState(state);
  if ((await hashOf(encoded)) !== sha256) throw new Error(`data/${name}: gives other weights than the record states`);
  bytes += encoded.length;
  return state;
}

/** SHA-256 by the browser itself, which has it for pages of this machine and for those that came encrypted. */
async function hashOf(bytes: Uint8Array): Promise<string> {
  const { subtle } = globalThis.crypto;
  // Types say that it is always there.
  if (!(subtle as SubtleCrypto | undefined)) return sha256Hex(bytes);
  return bytesToHex(new Uint8Array(await subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>)));
}
