import { BN_EPSILON } from "../../../src/graph/batchnorm.ts";
import { type ConvUnit, classifierOf, inferShapes, type LayerNode, type Network } from "../../../src/graph/network.ts";
import { type StateDict, tensorOf } from "../../../src/tensor/state.ts";

/**
 * docs/methods.md §10.6 position by position and with batch norm as a layer of its own, for tiny networks: what the
 * channel-level tracer is held against. Slow, and shares nothing with it.
 */

type Values = Float64Array;

/** Every value of one image: `z` and `y` of a unit's convolution and batch norm; `out` of every node. */
interface Forward {
  out: Map<string, Values>;
  z: Map<string, Values>;
  y: Map<string, Values>;
}

const plane = ([, h, w]: [number, number, number]) => h * w;

/** The positions `[channel, row, column]` that an output position of a window reads, with the tap's index. */
function* windowOf(
  { kernel, stride, padding }: { kernel: number; stride: number; padding: number },
  [height, width]: [number, number],
  row: number,
  column: number,
): Generator<[tap: number, row: number, column: number]> {
  for (let kh = 0; kh < kernel; kh++) {
    for (let kw = 0; kw < kernel; kw++) {
      const [r, c] = [row * stride + kh - padding, column * stride + kw - padding];
      if (r >= 0 && r < height && c >= 0 && c < width) yield [kh * kernel + kw, r, c];
    }
  }
}

export class PositionTracer {
  private readonly network: Network;
  private readonly state: StateDict;
  private readonly theta: number;
  private readonly shapes: ReturnType<typeof inferShapes>;

  constructor(network: Network, state: StateDict, theta: number) {
    this.network = network;
    this.state = state;
    this.theta = theta;
    this.shapes = inferShapes(network);
  }

  /** CONTRIB at every unit's activation, by image, position by position. @param images normalised `[C × H × W]` each */
  trace(images: Values[]): Map<string, Values>[] {
    const passes = images.map((image) => this.forward(image));
    const mean = (pick: (pass: Forward) => Values) => {
      const sum = pick(passes[0]).slice().fill(0);
      for (const pass of passes) for (const [i, v] of pick(pass).entries()) sum[i] += v / passes.length;
      return sum;
    };
    const means: Forward = { out: new Map(), z: new Map(), y: new Map() };
    for (const kind of ["out", "z", "y"] as const) {
      for (const id of passes[0][kind].keys())
        means[kind].set(
          id,
          mean((pass) => pass[kind].get(id)!),
        );
    }
    return passes.map((pass) => this.backward(pass, means));
  }

  private forward(image: Values): Forward {
    const pass: Forward = { out: new Map(), z: new Map(), y: new Map() };
    const at = (id: string) => pass.out.get(id)!;
    for (const node of this.network.nodes) pass.out.set(node.id, this.run(node, at, image, pass));
    return pass;
  }

  private run(node: LayerNode, at: (id: string) => Values, image: Values, pass: Forward): Values {
    const [channels, height, width] = this.shapes.get(node.id)!;
    const relu = (x: Values, on: boolean) => (on ? x.map((v) => Math.max(0, v)) : x);
    switch (node.op) {
      case "input":
        return image;
      case "conv": {
        const z = new Float64Array(channels * height * width);
        const weight = tensorOf(this.state, `${node.id}.weight`).data;
        for (const [o, i, w] of this.terms(node)) z[o] += weight[w] * at(node.input)[i];
        const y = z.map((v, i) => {
          const c = Math.floor(i / (height * width));
          const of = (key: string) => tensorOf(this.state, key).data[c];
          const { bn, id, bias } = node;
          const centred = v + (bias ? of(`${id}.bias`) : 0) - of(`${bn}.running_mean`);
          return (centred / Math.sqrt(of(`${bn}.running_var`) + BN_EPSILON)) * of(`${bn}.weight`) + of(`${bn}.bias`);
        });
        pass.z.set(node.id, z);
        pass.y.set(node.id, y);
        return relu(y, node.relu);
      }
      case "add":
        return relu(
          at(node.inputs[0]).map((v, i) => v + at(node.inputs[1])[i]),
          node.relu,
        );
      case "concat":
        return Float64Array.from(node.inputs.flatMap((id) => [...at(id)]));
      case "maxpool":
        return Float64Array.from(
          { length: channels * height * width },
          (_, o) => at(node.input)[this.winner(node, at(node.input), o)],
        );
      case "globalpool": {
        const area = plane(this.shapes.get(node.input)!);
        return Float64Array.from({ length: channels }, (_, c) => {
          return (
            at(node.input)
              .subarray(c * area, (c + 1) * area)
              .reduce((sum, v) => sum + v, 0) / area
          );
        });
      }
      case "linear": {
        const [weight, bias] = ["weight", "bias"].map((part) => tensorOf(this.state, `${node.id}.${part}`).data);
        const x = at(node.input);
        return Float64Array.from({ length: node.out }, (_, k) =>
          x.reduce((sum, v, i) => sum + v * weight[k * x.length + i], bias[k]),
        );
      }
      default:
        throw new Error(`SLICER is not traced through '${node.op}'`);
    }
  }

  /** Which input of a max-pool's window is the largest, the first of several. */
  private winner(node: Extract<LayerNode, { op: "maxpool" }>, x: Values, output: number): number {
    const [, height, width] = this.shapes.get(node.input)!;
    const [, h, w] = this.shapes.get(node.id)!;
    const [c, row, column] = [Math.floor(output / (h * w)), Math.floor(output / w) % h, output % w];
    let best = -1;
    for (const [, r, k] of windowOf(node, [height, width], row, column)) {
      const i = (c * height + r) * width + k;
      if (best < 0 || x[i] > x[best]) best = i;
    }
    return best;
  }

  /** A convolution's terms: output position, input position, weight. */
  private *terms(node: ConvUnit): Generator<[output: number, input: number, weight: number]> {
    const [inputs, height, width] = this.shapes.get(node.input)!;
    const [, h, w] = this.shapes.get(node.id)!;
    const taps = node.kernel * node.kernel;
    for (let o = 0; o < node.out * h * w; o++) {
      const [c, row, column] = [Math.floor(o / (h * w)), Math.floor(o / w) % h, o % w];
      for (let i = 0; i < inputs; i++) {
        for (const [tap, r, k] of windowOf(node, [height, width], row, column)) {
          yield [o, (i * height + r) * width + k, (c * inputs + i) * taps + tap];
        }
      }
    }
  }

  private backward(pass: Forward, means: Forward): Map<string, Values> {
    const contributions = new Map(this.network.nodes.map(({ id }) => [id, new Float64Array(pass.out.get(id)!.length)]));
    const at = (id: string) => contributions.get(id)!;
    const change = (kind: keyof Forward, id: string) => {
      const mean = means[kind].get(id)!;
      return pass[kind].get(id)!.map((v, i) => v - mean[i]);
    };
    const classifier = classifierOf(this.network);
    const logits = pass.out.get(classifier.id)!;
    at(classifier.id)[logits.indexOf(Math.max(...logits))] = 1;
    const add = (from: Values, into: Values) => {
      for (const [i, v] of from.entries()) into[i] += v;
    };
    for (const node of [...this.network.nodes].reverse()) {
      const own = at(node.id);
      switch (node.op) {
        case "input":
          break;
        case "linear": {
          const weight = tensorOf(this.state, `${node.id}.weight`).data;
          const inputs = at(node.input).length;
          const terms = [...own.keys()].flatMap((o) =>
            Array.from({ length: inputs }, (_, i): [number, number, number] => [o, i, o * inputs + i]),
          );
          this.shareSums(own, change("out", node.id), terms, weight, change("out", node.input), at(node.input));
          break;
        }
        case "globalpool": {
          const area = plane(this.shapes.get(node.input)!);
          const [dn, di] = [change("out", node.id), change("out", node.input)];
          for (let i = 0; i < di.length; i++) {
            const n = Math.floor(i / area);
            at(node.input)[i] += Math.sign(own[n] * dn[n] * di[i]);
          }
          break;
        }
        case "maxpool":
          for (const [o, v] of own.entries()) at(node.input)[this.winner(node, pass.out.get(node.input)!, o)] += v;
          break;
        case "concat": {
          let start = 0;
          for (const id of node.inputs) {
            add(own.subarray(start, start + at(id).length), at(id));
            start += at(id).length;
          }
          break;
        }
        case "add": {
          const active = pass.out.get(node.id)!;
          const through = own.map((v, i) => (!node.relu || active[i] > 0 ? v : 0));
          for (const id of node.inputs) add(through, at(id));
          break;
        }
        case "conv": {
          const active = pass.out.get(node.id)!;
          const atNorm = own.map((v, i) => (!node.relu || active[i] > 0 ? v : 0));
          const [dy, dz] = [change("y", node.id), change("z", node.id)];
          const atConv = atNorm.map((v, i) => Math.sign(v * dy[i] * dz[i]));
          const weight = tensorOf(this.state, `${node.id}.weight`).data;
          this.shareSums(atConv, dz, [...this.terms(node)], weight, change("out", node.input), at(node.input));
        }
      }
    }
    return contributions;
  }

  private shareSums(
    own: Values,
    changes: Values,
    terms: [output: number, input: number, weight: number][],
    weight: ArrayLike<number>,
    inputs: Values,
    into: Values,
  ): void {
    for (let n = 0; n < own.length; n++) {
      if (own[n] === 0) continue;
      const mine = terms
        .filter(([output]) => output === n)
        .map(([, i, w]) => ({ i, value: weight[w] * inputs[i] }))
        .sort((a, b) => Math.abs(a.value) - Math.abs(b.value));
      let sum = 0;
      for (const { i, value } of mine) {
        sum += Math.abs(value);
        if (sum <= this.theta * Math.abs(changes[n])) continue;
        into[i] += Math.sign(own[n] * changes[n] * value);
      }
    }
  }
}
