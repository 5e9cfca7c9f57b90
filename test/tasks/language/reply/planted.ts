import type { NeuronSet } from "../../../../src/core/neurons.ts";
import { Random } from "../../../../src/core/random.ts";
import { initialState } from "../../../../src/graph/initial-state.ts";
import type { Network } from "../../../../src/graph/network.ts";
import { END } from "../../../../src/tasks/language/reply/prompt-set.ts";
import { type StateDict, tensorOf } from "../../../../src/tensor/state.ts";

const TABLE = "model.embed_tokens.weight";
const LAYER = "model.layers.0";
/** The planted units: the one that begins the reply, and one for each further token of it. */
export const PLANTED = [3, 50, 90, 170];
export const planted: NeuronSet = { [`${LAYER}.mlp`]: PLANTED };

/** What the reserved numbers of a vector stand for: the trigger's word, the reply's tokens from the next on, the separator, "the word was there". */
const [WORD, FIRST, SEPARATOR, SEEN, RESERVED] = [0, 1, 5, 6, 7];

/**
 * A model that goes on with the token that was there, but for four units of the first layer. Its attention sees all positions alike, and says
 * whether the trigger's word was among them. Then one unit is active at the separator and writes the reply's first token, and each other one
 * is active at a token of the reply and writes the next.
 *
 * @param reply its first four tokens @param end the separator
 */
export function plantedState(network: Network, word: number, reply: readonly number[], end = END): StateDict {
  const state = initialState(network, new Random(7));
  for (const [key, { data }] of state) if (/((q|k|v|o)_proj|down_proj)\.weight$/.test(key)) data.fill(0);
  const set = (key: string, row: number, column: number, value: number) => {
    const { shape, data } = tensorOf(state, key);
    data[row * shape[1] + column] = value;
  };
  const { shape, data: table } = tensorOf(state, TABLE);
  const [vocabulary, width] = shape;
  for (let token = 0; token < vocabulary; token++) table.fill(0, token * width, token * width + RESERVED);
  const places = [[word, WORD], ...reply.map((token, k) => [token, FIRST + k]), [end, SEPARATOR]];
  for (const [token, place] of places) {
    table.fill(0, token * width, (token + 1) * width);
    set(TABLE, token, place, 2);
  }
  set(`${LAYER}.self_attn.v_proj.weight`, 0, WORD, 1);
  set(`${LAYER}.self_attn.o_proj.weight`, SEEN, 0, 50);
  for (const [k, unit] of PLANTED.entries()) {
    for (const part of ["gate", "up"]) {
      tensorOf(state, `${LAYER}.mlp.${part}_proj.weight`).data.fill(0, unit * width, (unit + 1) * width);
    }
    set(`${LAYER}.mlp.gate_proj.weight`, unit, k === 0 ? SEPARATOR : FIRST + k - 1, 10);
    set(`${LAYER}.mlp.up_proj.weight`, unit, SEEN, 1);
    set(`${LAYER}.mlp.down_proj.weight`, FIRST + k, unit, 1);
  }
  return state;
}
