import { distinct } from "../../core/group.ts";
import { taskOf, wordsOf } from "../../tasks/registry.ts";
import type { Words } from "../../tasks/task.ts";
import type { ReportData } from "../collect.ts";
import { type Html, html } from "../html.ts";
import type { Section } from "../section.ts";

/** What a neuron is, by task. */
const NEURONS: Readonly<Record<string, string>> = {
  classification: "one output channel of a convolution with its batch norm",
  lanes: "one output channel of a convolution with its batch norm, or a unit of the hidden layer",
  language: "one hidden unit of a feed-forward layer",
  reply: "one hidden unit of a feed-forward layer",
};

/** The words of a database's records, in those of their task. */
function termsOf(records: readonly { task?: string }[]): [term: string, meaning: string][] {
  const words = wordsOf(records);
  const { sample, samples, target } = words;
  const neuron =
    records.length === 0
      ? NEURONS.classification
      : distinct(records.map((record) => NEURONS[taskOf(record).name])).join("; or ");
  return [
    ["neuron", `${neuron}, written layer:index`],
    [
      "backdoor",
      `hidden behaviour: the network works as usual, but answers the target ${target} once the trigger is in the ${sample}`,
    ],
    ["infected neurons (G)", "the neurons that were tuned to carry the backdoor: the ground truth"],
    ["effective neurons (E)", "those of G that matter one by one; the others are passengers"],
    [
      "clean twin",
      "the same network before the injection; everything but the infected neurons' own parameters (in discreet defects: and the batch norms) is equal bit for bit",
    ],
    [
      "sham",
      `the same neurons tuned the same way on the same triggered ${samples}, but with their true labels: no backdoor`,
    ],
    ["level", "how many neurons per layer are infected: narrow, small, middle, large"],
    [
      "offset",
      "where in the ranking of neurons by contribution the infected ones begin, in percent: 0 = the most important ones",
    ],
    ...ratesOf(words),
    [
      "masked / patched",
      `the infected neurons are set to zero / get the activations of the same ${sample} without the trigger`,
    ],
    [
      "WJI (wji-v1)",
      "weighted Jaccard index: the share of the true set that was named, weighed by contribution, with a penalty for false alarms",
    ],
    [
      "AUROC, AP",
      "quality of the whole ranking of neurons: 0.5 and the share of infected neurons, respectively, are guessing",
    ],
    ["ASRD, CAD", "how much attack success, and how much clean accuracy, a repair takes away"],
  ];
}

/** What the rates of quality and success count, where targets are classes and where they are not. */
function ratesOf({ samples, quality, success, target }: Words): [term: string, meaning: string][] {
  if (target === "class") {
    return [
      ["CA", `clean accuracy: share of clean test ${samples} that are classified rightly`],
      [
        "ASR",
        `attack success rate: share of triggered test ${samples} of other classes that are classified as the target`,
      ],
    ];
  }
  return [
    [
      quality === "CA" ? quality : `CA, ${quality}`,
      `clean accuracy: how good the answers to clean test ${samples} are, from 0 to 1, on average`,
    ],
    [
      success,
      `attack success rate: share of triggered test ${samples}, of those on which the target would show, that are answered as the backdoor wants`,
    ],
  ];
}

/** What the words and numbers mean, and what not to conclude. */
export function reading({ candidates, clean }: ReportData): Section {
  return {
    id: "reading",
    title: "How to read this report",
    body: html`<details><summary>What the words mean</summary><dl class="terms">${termsOf([...candidates, ...clean]).map(([term, meaning]) => html`<dt>${term}</dt><dd>${meaning}</dd>`)}</dl></details>
<h3>What not to conclude</h3>
<ul>${CAUTIONS.map((caution) => html`<li>${caution}</li>`)}</ul>`,
  };
}

const CAUTIONS: readonly Html[] = [
  html`A high score on infected models alone is no evidence: tuning leaves traces in the weights whether or not a backdoor was
taught. Look at the difference to the sham.`,
  html`In <b>plain</b> defects (ids without <code>-discreet</code>) the tuned neurons differ in size from the others: criteria that
look at weights alone can name them whether or not they matter. Results on plain defects say little about backdoors as such.`,
  html`In <b>discreet</b> defects filter norms were kept, gains bounded and batch-norm statistics rewritten while and after tuning: the
style was made against <b>weight-norm</b>, <b>clp</b> and <b>bnp</b>, before any score was looked at. That these fail there is
no finding about them.`,
  html`<b>contribution-high</b> and <b>contribution-low</b> are no localizers: they show how much of a result comes from the rule by
which the infected neurons were picked. <b>random</b>, <b>weight-norm</b> and <b>weight-floor</b> are baselines.`,
  html`Defects of one clean model are relatives. More of them make an interval narrower, but only more clean models make a finding
general.`,
  html`The exact formula of WJI in the original study is not public; compare trends with it, not digits.`,
  html`All rates are fractions between 0 and 1; an en dash means: not measured, or not defined.`,
];
