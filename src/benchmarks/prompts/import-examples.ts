/** Questions of our own making in the fields of each benchmark: what a prompt is read off, checked with and shown on. */

import { invariant } from "../../base/index.ts";
import { optionLetter } from "../../trace/index.ts";
import type { Benchmark, BenchmarkQuestion } from "../benchmark.ts";
import { letteredTexts } from "../options.ts";
import type { Row } from "../rows/open-table.ts";

/** One form of a benchmark's questions. */
export interface ExampleForm {
  form: string;
  /** The subsets that have it; `[null]` where a benchmark has none. */
  subsets: readonly (string | null)[];
  /** How many options its rows have, the largest number first. */
  counts: readonly number[];
  /** Whether the prompt has to show the options: not where the question already does, or none are asked about. */
  showsOptions: boolean;
  /** Whether data sets write the options with their letters. */
  lettered: boolean;
  /** The rows that such a question may have, which all are put alike. */
  rows: (question: string, texts: readonly string[]) => readonly Row[];
}

/** Without subsets, it is a form of all that the benchmark has. */
type FormOfSubsets = Omit<ExampleForm, "subsets"> & Partial<Pick<ExampleForm, "subsets">>;

const choice = { showsOptions: true, lettered: false } as const;
const inOptions = (question: string, texts: readonly string[]) => [{ question, options: [...texts] }];
const byLetter = (texts: readonly string[]) =>
  Object.fromEntries(texts.map((text, i) => [optionLetter(i), text]));
const letters: readonly FormOfSubsets[] = [
  { ...choice, lettered: true, form: "default", counts: [5, 4, 3], rows: inOptions },
  { ...choice, lettered: true, form: "two", counts: [2], rows: inOptions },
];

/** By the name of the benchmark. */
const forms: Readonly<Record<string, readonly FormOfSubsets[]>> = {
  mvbench: [
    {
      ...choice,
      ...{ form: "default", counts: [5, 4, 3, 2, 1] },
      rows: (question, texts) => [{ question, candidates: [...texts] }],
    },
  ],
  videomme: [{ ...choice, lettered: true, form: "default", counts: [4], rows: inOptions }],
  tempcompass: [{ ...choice, lettered: true, form: "default", counts: [4, 3, 2], rows: inOptions }],
  mlvu: [
    {
      ...choice,
      ...{ form: "default", counts: [4], showsOptions: false },
      rows: (question, texts) => {
        const lines = texts.map((text, i) => `(${optionLetter(i)}) ${text}\n`).join("");
        return [{ question: `${question}\n${lines}`, candidates: [...texts] }];
      },
    },
  ],
  longvideobench: [
    {
      ...choice,
      ...{ form: "default", counts: [5, 4, 3, 2] },
      rows: (question, texts) => {
        const slots = [0, 1, 2, 3, 4].map((i) => [`option${i}`, texts[i] ?? "N/A"]);
        return [{ question, ...Object.fromEntries(slots) }];
      },
    },
  ],
  videomathqa: letters,
  video_mmmu: [
    {
      ...choice,
      ...{ form: "lecture", subsets: ["Perception", "Comprehension"], counts: [10, 5, 4] },
      rows: inOptions,
    },
    {
      ...choice,
      ...{ form: "adaptation_choice", subsets: ["Adaptation"], counts: [10, 5, 4, 2] },
      rows: (question, options) => [{ question, options: [...options], question_type: "multiple-choice" }],
    },
    {
      ...choice,
      ...{ form: "adaptation_open", subsets: ["Adaptation"], counts: [0, 4], showsOptions: false },
      rows: (question, options) =>
        ["open", "None", null].map((type) => ({ question, options: [...options], question_type: type })),
    },
  ],
  mmvu: [
    {
      ...choice,
      ...{ form: "choice", counts: [5] },
      rows: (question, texts) => [{ question, choices: byLetter(texts), question_type: "multiple-choice" }],
    },
  ],
  vsibench: [
    {
      ...choice,
      ...{ form: "choice", counts: [4, 3, 2], lettered: true },
      rows: (question, texts) =>
        [
          ...["object_rel_direction_easy", "object_rel_direction_medium", "object_rel_direction_hard"],
          ...["object_rel_distance", "route_planning", "obj_appearance_order"],
        ].map((type) => ({ question, question_type: type, options: [...texts] })),
    },
    {
      ...choice,
      ...{ form: "number", counts: [0], showsOptions: false },
      rows: (question) =>
        ["object_abs_distance", "object_counting", "object_size_estimation", "room_size_estimation"].map(
          (type) => ({ question, question_type: type, options: null }),
        ),
    },
  ],
  minerva: letters,
  scivideobench: [
    {
      ...choice,
      ...{ form: "default", counts: [10, 5, 4] },
      rows: (question, texts) => [
        { question, options: byLetter(texts) },
        { question, options: [...texts] },
      ],
    },
  ],
};

/** The forms of a benchmark's questions; none for our own world, which nobody else has words for. */
export function exampleForms({ name, subsets }: Benchmark): readonly ExampleForm[] {
  const all = subsets.length === 0 ? [null] : subsets;
  return (forms[name] ?? []).map((form) => ({ ...form, subsets: form.subsets ?? all }));
}

/** What rows have besides, for all benchmarks together. */
const fields: Row = {
  ...{ id: "dev_Biology_1", uuid: "1", question_id: "1", videoID: "1", video_id: "1", video: "1.mp4" },
  ...{ video_name: "1.mp4", video_path: "videos/Law/1.mp4", dataset: "scannet", scene_name: "1" },
  ...{ task_type: "count", question_category: "TOS", duration_group: 15, video_duration: 60 },
  ...{ answer: "A", ground_truth: "1", correct_choice: 0 },
};

/** The question of such a row, as the benchmark reads it. */
export function exampleQuestion(benchmark: Benchmark, subset: string | null, row: Row): BenchmarkQuestion {
  const question = benchmark.fromLog({ ...fields, ...row }, { subset, docId: 0 }, "an example");
  invariant(question !== null, `the example of ${benchmark.name} must be a question`);
  return question;
}

/** A form of question with an example. */
export interface PromptExample {
  form: string;
  question: BenchmarkQuestion;
}

const colours = ["red", "green", "blue", "white", "black", "grey", "brown", "pink", "orange", "yellow"];

/** One question of each form of a benchmark, about nothing in particular: to see in which words it is put. */
export function promptExamples(benchmark: Benchmark): PromptExample[] {
  return exampleForms(benchmark).map(({ form, subsets, counts, lettered, rows }) => {
    const plain = colours.slice(0, counts[0]);
    const texts = lettered ? letteredTexts(plain) : plain;
    const [row] = rows(counts[0] === 0 ? "How many balls are there?" : "What colour is the ball?", texts);
    return { form, question: exampleQuestion(benchmark, subsets[0] ?? null, row as Row) };
  });
}
