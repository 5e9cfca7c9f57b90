import type { LayerScores, NeuronSet } from "../../../core/neurons.ts";
import { activationBytes } from "../../../graph/cost.ts";
import type { StateDict } from "../../../tensor/state.ts";
import type {
  ForeignFile,
  ForeignModel,
  ForeignModels,
  Read,
  ReadOptions,
  SamplesOptions,
  WholeModel,
} from "../../foreign-models.ts";
import { type Sizes, sizedName } from "../models/sized.ts";
import { type Changes, changedTo, UNCHANGED } from "./changes.ts";
import { Checkpoint, holdsLanguageModel } from "./checkpoint.ts";
import type { Config } from "./config.ts";
import { filesOf } from "./files.ts";
import { Layers } from "./layers.ts";
import { Continuations, TOKENS } from "./perplexity.ts";
import { Answers } from "./question.ts";
import { flowOf, readTexts } from "./reading.ts";
import { type ReadyTexts, readyTexts } from "./ready-texts.ts";
import { TEXTS } from "./sequences.ts";
import { wholeModel } from "./whole.ts";

/** What the runtime takes that is loaded with the first session, and what it holds beside the activations. */
const RUNTIME_BYTES = 150e6;
/** The runtime's arenas hold a batch's activations about so often: a session for each length has its own. */
const ARENAS = 3;
/** Positions whose next token is predicted, for the perplexity. */
const PREDICTED = 2048;
/** A perplexity above this share of the vocabulary is no better than a guess. */
const GUESS = 0.5;

const number = new Intl.NumberFormat("en-US");
const BYTES = Float32Array.BYTES_PER_ELEMENT;

/** Language models in folders of Hugging Face's form (docs/language.md). */
export const foreign: ForeignModels = {
  title: "a folder of Hugging Face's form: config.json, model.safetensors, tokenizer.json",
  holds: holdsLanguageModel,
  open: (path) => new ForeignLanguageModel(new Checkpoint(path)),
};

class ForeignLanguageModel implements ForeignModel {
  readonly folder: string;
  readonly arch: string;
  readonly about: readonly string[];
  readonly notes: readonly string[];
  readonly layers: ForeignModel["layers"];
  private readonly checkpoint: Checkpoint;
  private readonly decoder: Layers;
  private readonly changes: Changes;

  constructor(checkpoint: Checkpoint, changes: Changes = UNCHANGED) {
    this.checkpoint = checkpoint;
    this.changes = changes;
    this.decoder = new Layers(checkpoint, changes);
    const { path, config, notes, parameters, types, files, own } = checkpoint;
    const { names, width } = this.decoder;
    const sized = sizedName(config as Sizes);
    this.folder = path;
    this.arch = config.layout;
    this.notes = notes;
    this.layers = names.map((name) => ({ name, width }));
    this.about = [
      `${path}: ${describe(config)}`,
      `${number.format(parameters)} parameters as ${types.join(" and ")} in ${files === 1 ? "one file" : `${files} files`}; ${number.format(names.length * width)} neurons`,
      ...(own ? [`a checkout for ${own.dataset}: asked '${own.prompt.template}' for ${own.classes.join(", ")}`] : []),
      ...(sized ? [`network as recipes name it: ${sized}`] : []),
    ];
  }

  layerName(layer: string): string {
    return this.checkpoint.layerName(layer);
  }

  without(neurons: NeuronSet): ForeignLanguageModel {
    return new ForeignLanguageModel(this.checkpoint, { neurons, held: null });
  }

  tuned(neurons: NeuronSet, state: StateDict): ForeignLanguageModel {
    return new ForeignLanguageModel(this.checkpoint, changedTo(this.checkpoint, neurons, state));
  }

  whole(data: string | undefined, options: SamplesOptions): WholeModel {
    return wholeModel(this.checkpoint, data, options);
  }

  files(): ForeignFile[] {
    return filesOf(this.checkpoint, this.changes);
  }

  *parts() {
    const network = this.decoder.network(1);
    for (const [i, { name }] of this.layers.entries()) yield { layer: name, network, state: this.decoder.read(i) };
  }

  samples(data: string | undefined, options: SamplesOptions): ReadyTexts {
    return readyTexts(this.checkpoint, data, options);
  }

  needs(samples: ReadyTexts | null): number {
    const longest = Math.max(1, ...(samples?.batches ?? []).map(({ positions }) => positions));
    const flow = samples ? flowOf(this.checkpoint, { positions: longest }) : 0;
    return this.fixedBytes(samples ? longest : 0) + flow;
  }

  async read(samples: ReadyTexts, { memory, threads, progress }: ReadOptions): Promise<Read> {
    const { checkpoint, decoder } = this;
    const { batches, asked } = samples;
    const longest = Math.max(...batches.map(({ positions }) => positions));
    const continuations = new Continuations(checkpoint, batches, PREDICTED);
    const answers = asked && new Answers(checkpoint, asked.question, asked.labels);
    const means = await readTexts(checkpoint, decoder, batches, {
      ...{ threads, progress, flow: memory - this.fixedBytes(longest) },
      onEnd(batch, residual) {
        continuations.add(batch, residual);
        answers?.add(batch, residual);
      },
    });
    const activity: LayerScores = Object.fromEntries(decoder.names.map((name, i) => [name, [...means[i]]]));
    const perplexity = await continuations.perplexity(threads);
    const quality = answers && answers.right / answers.count;
    const accuracy = quality === null ? [] : [`clean accuracy: ${quality.toFixed(4)} of ${answers!.count} texts`];
    const facts = { activity, quality, asked: answers?.count ?? 0, perplexity };
    if (perplexity === null) return { ...facts, lines: accuracy };
    const { vocabulary } = checkpoint.config.shape;
    const [shown, all] = [perplexity.toPrecision(4), number.format(vocabulary)];
    return {
      ...facts,
      lines: [
        ...accuracy,
        `perplexity: ${Number(shown)} at ${number.format(continuations.count)} tokens; a guess has ${all}`,
      ],
      ...(perplexity > GUESS * vocabulary && {
        warning: `the perplexity is ${Number(shown)}, near a guess (${all}): the tokenizer is another model's, the texts are in no language of the model, or its weights were not trained`,
      }),
    };
  }

  /** All but what flows between the layers. @param positions of the longest texts; 0 where none are read */
  private fixedBytes(positions: number): number {
    const { decoder } = this;
    const { width } = this.checkpoint.config.shape;
    const own = process.memoryUsage.rss() + decoder.bytes;
    if (positions === 0) return own;
    const activations = ARENAS * activationBytes(decoder.network(positions), TEXTS);
    const head = TOKENS * width * BYTES + 2 * PREDICTED * width * BYTES;
    return own + RUNTIME_BYTES + activations + head;
  }
}

function describe({ layout, shape, positions }: Config): string {
  const { layers, width, heads, hidden, vocabulary } = shape;
  const groups = "groups" in shape && shape.groups !== heads ? ` that share ${shape.groups} sets of keys` : "";
  const tied = (shape.tied ?? true) ? "tied" : "untied";
  return `${layout}, ${layers} layers of width ${width}, ${heads} heads${groups}, feed-forward layers of ${hidden}, ${number.format(vocabulary)} tokens, ${number.format(positions)} positions, ${tied} head`;
}
