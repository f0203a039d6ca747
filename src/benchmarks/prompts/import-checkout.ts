/**
 * Makes a profile of the prompts of an lmms-eval checkout. The function of each task that writes its prompts is called
 * with questions of our own making (`import-python-module.ts`, without Python); a template is read off what it
 * gives, filled with other questions, and compared with what the function gives for those. A benchmark whose function
 * is not understood, or not reproduced to the byte, is left out.
 */

import { dirname, resolve } from "node:path";
import { checkoutSource, hashJson, sha256 } from "../../base/index.ts";
import type { Benchmark } from "../benchmark.ts";
import { letteredTexts } from "../options.ts";
import { benchmarks as all, parsePromptProfile } from "../registry.ts";
import { type ExampleForm, exampleForms, exampleQuestion } from "./import-examples.ts";
import { CheckoutTasks, type PromptTask } from "./import-task.ts";
import { NotImported, type OptionForm, type ReadTemplate, readTemplate } from "./import-template.ts";
import type { BenchmarkPrompts, ImportedProfile } from "./prompt-profile.ts";
import { placePattern } from "./render-prompt.ts";

/** Which of two tasks of a benchmark: the one that asks for reasoning (`NAME_think`), or the other (`NAME`). */
export type TaskVariant = "think" | "plain";

/** What to import. */
export interface CheckoutImportOptions {
  /** Default all that have prompts of others. */
  benchmarks?: readonly Benchmark[] | undefined;
  /** Default `think`, and `plain` where a checkout has no other. */
  variant?: TaskVariant | undefined;
  /**
   * lmms-eval's name of the model (`--model`), by which a task may have other words; default `qwen2_5_vl`, which
   * Video-R2's scripts run. A task without words for it gives those of `default`.
   */
  model?: string | undefined;
}

/** A benchmark whose prompts were imported. */
export interface ImportedBenchmark {
  benchmark: string;
  /** lmms-eval's names of its tasks. */
  tasks: readonly string[];
  /** `FILE:LINE FUNCTION` of the functions that write its prompts. */
  writers: readonly string[];
  /** The entries of `lmms_eval_specific_kwargs` that were taken. */
  keys: readonly string[];
  /** How many prompts were the same bytes when it was checked. */
  compared: number;
}

/** A benchmark that was left out. */
export interface LeftOutBenchmark {
  benchmark: string;
  /** What was looked for, in which file and line, and what was found. */
  reason: string;
}

/** What became of an import. */
export interface CheckoutImport {
  profile: ImportedProfile;
  /** The profile as a file holds it. */
  text: string;
  /** SHA-256 of `text`, in hexadecimal. */
  sha256: string;
  imported: readonly ImportedBenchmark[];
  leftOut: readonly LeftOutBenchmark[];
}

const defaultModel = "qwen2_5_vl";

/** Texts that are found in no prompt: characters for private use around a number. */
const marked = (name: string) => `\ue000${name}\ue001`;

/** A question and options, as other data might have them. */
const ordinary = {
  question: "What colour is the ball?",
  texts: ["red", "a green one", "B", "white.", "(E)", "grey", "brown", "pink", "orange", "A. yellow"],
};
const odd = {
  question: ' Is «A» $& {question} %s\\n <image 1>\n "it"? ',
  texts: ["«text»", " {0}\n", "$1", "é✓", "N", "\\", "%d", "'", "{{}}", "»"],
};

const withoutLetters = (texts: readonly string[]) => [...texts];
/** Options without letters, with them, and with one of them. */
const letterings: readonly ((texts: readonly string[]) => string[])[] = [
  withoutLetters,
  letteredTexts,
  (texts) => texts.map((text, i) => (i === 0 ? `A. ${text}` : text)),
];

/** The tasks of a benchmark by subset. */
async function tasksOf(
  { taskName, subsets }: Benchmark,
  tasks: CheckoutTasks,
  { variant, model = defaultModel }: CheckoutImportOptions,
): Promise<Map<string | null, PromptTask>> {
  const wanted = subsets.length === 0 ? [null] : subsets;
  const names = (kind: TaskVariant) =>
    wanted.map((subset) => (kind === "think" ? taskName(subset) : taskName(subset).replace(/_think$/, "")));
  const kinds: readonly TaskVariant[] = variant === undefined ? ["think", "plain"] : [variant];
  const chosen = kinds.find((kind) => names(kind).some((name) => tasks.has(name)));
  if (chosen === undefined)
    throw new NotImported(
      `tasks: there must be a task ${kinds.map((kind) => names(kind)[0]).join(" or ")}, got none`,
    );
  const read = names(chosen).map(
    async (name, i): Promise<[string | null, PromptTask]> => [
      wanted[i] ?? null,
      await tasks.read(name, model),
    ],
  );
  return new Map(await Promise.all(read));
}

/** The phrases that a task's YAML calls `NAME_prompt`, the longest first. */
function phrasesOf({ settings }: PromptTask): [string, string][] {
  const isPhrase = (entry: [string, unknown]): entry is [string, string] =>
    /^[a-z]\w*_prompt$/.test(entry[0]) && typeof entry[1] === "string" && /\S\s+\S/.test(entry[1]);
  return Object.entries(settings ?? {})
    .filter(isPhrase)
    .sort(([, a], [, b]) => b.length - a.length);
}

/** The texts that a benchmark's templates name. */
class Pieces {
  readonly texts: Record<string, string> = {};

  /** Puts down a text, with places for phrases. @throws NotImported for a text that reads as a place */
  write(text: string, phrases: readonly [string, string][]): string {
    const [key, value] =
      phrases.find(([name, phrase]) => text.includes(phrase) && (this.texts[name] ?? phrase) === phrase) ??
      [];
    if (key !== undefined && value !== undefined) {
      this.texts[key] = value;
      return text
        .split(value)
        .map((part) => this.write(part, phrases))
        .join(`«${key}»`);
    }
    if (text.match(placePattern))
      throw new NotImported(`the prompt must have no words in « », got ${JSON.stringify(text)}`);
    return text;
  }
}

const problem = ({ writer }: PromptTask, message: string, cause?: unknown) =>
  new NotImported(`${writer}: ${message}`, { cause });

/** Reads a template off what a task makes of a question with options that can be told from all other text. */
function readForm(
  benchmark: Benchmark,
  { counts, rows, subsets }: ExampleForm,
  task: PromptTask,
  letter: (texts: readonly string[]) => string[],
  pieces: Pieces,
): ReadTemplate {
  const texts = letter(Array.from({ length: counts[0] ?? 0 }, (_, i) => marked(String(i))));
  const [row] = rows(marked("question"), texts);
  const { doc } = exampleQuestion(benchmark, subsets[0] ?? null, row ?? {});
  const prompt = task.write(doc);
  try {
    const write = (text: string) => pieces.write(text, phrasesOf(task));
    const found = readTemplate(prompt, String(doc.question), texts, write);
    if (found.template.includes("«question»")) return found;
  } catch (error) {
    if (error instanceof NotImported) throw problem(task, error.message, error);
    throw error;
  }
  throw problem(task, "the prompt must have the question, it has not");
}

/** Reads the templates of a benchmark off its functions' prompts. */
function readPrompts(benchmark: Benchmark, tasks: ReadonlyMap<string | null, PromptTask>): BenchmarkPrompts {
  const pieces = new Pieces();
  const templates: Record<string, string> = {};
  let written: (OptionForm & { lettered: string }) | undefined;
  for (const form of exampleForms(benchmark)) {
    const task = tasks.get(form.subsets[0] ?? null) as PromptTask;
    const { template, options } = readForm(benchmark, form, task, withoutLetters, pieces);
    templates[form.form] = template;
    if (!form.showsOptions) continue;
    const lettered = readForm(benchmark, form, task, letteredTexts, pieces).options;
    if (options === null || lettered === null)
      throw problem(task, "the prompt must have the options, it has not");
    const found = { ...options, lettered: lettered.option };
    if (written !== undefined && hashJson(written) !== hashJson(found))
      throw problem(task, "options must be written as in other questions of the benchmark, they are not");
    written = found;
  }
  const { option = "«letter». «text»", separator = "\n", lettered = option } = written ?? {};
  return {
    pieces: pieces.texts,
    templates,
    option,
    ...(lettered === option ? {} : { lettered }),
    separator,
  };
}

/** Compares what a profile gives with what the functions give. @throws NotImported at the first difference */
function checkPrompts(
  benchmark: Benchmark,
  tasks: ReadonlyMap<string | null, PromptTask>,
  profile: ImportedProfile,
): number {
  let compared = 0;
  for (const form of exampleForms(benchmark))
    for (const subset of form.subsets)
      for (const row of rowsOf(form)) {
        const question = exampleQuestion(benchmark, subset, row);
        const task = tasks.get(subset) as PromptTask;
        const expected = task.write(question.doc);
        const got = benchmark.prompt(question, profile);
        if (got !== expected)
          throw problem(
            task,
            `a template must give its prompt to the byte, got ${JSON.stringify(got)} where it gives ${JSON.stringify(expected)}`,
          );
        compared++;
      }
  return compared;
}

function rowsOf({ counts, rows }: ExampleForm) {
  return [ordinary, odd].flatMap(({ question, texts }) =>
    counts.flatMap((count) => letterings.flatMap((letter) => rows(question, letter(texts.slice(0, count))))),
  );
}

async function importOne(
  benchmark: Benchmark,
  tasks: CheckoutTasks,
  options: CheckoutImportOptions,
): Promise<{ prompts: BenchmarkPrompts; imported: ImportedBenchmark }> {
  const found = await tasksOf(benchmark, tasks, options);
  const prompts = readPrompts(benchmark, found);
  const profile: ImportedProfile = {
    kind: "imported",
    name: "imported",
    source: null,
    benchmarks: { [benchmark.name]: prompts },
  };
  const compared = checkPrompts(benchmark, found, profile);
  const values = (pick: (task: PromptTask) => string | null) =>
    [...new Set([...found.values()].map(pick))].filter((value): value is string => value !== null);
  return {
    prompts,
    imported: {
      benchmark: benchmark.name,
      tasks: values(({ name }) => name),
      writers: values(({ writer }) => writer),
      keys: values(({ key }) => key),
      compared,
    },
  };
}

/**
 * Imports the prompts of a checkout of lmms-eval: Video-R2's, the folder of its fork, or another one whose tasks are
 * of the same shape. No Python runs, and nothing is written.
 *
 * @throws UsageError `prompt-checkout` where the folder is none
 */
export async function importCheckout(
  checkout: string,
  options: CheckoutImportOptions = {},
): Promise<CheckoutImport> {
  const tasks = await CheckoutTasks.open(checkout);
  const prompts: Record<string, BenchmarkPrompts> = {};
  const imported: ImportedBenchmark[] = [];
  const leftOut: LeftOutBenchmark[] = [];
  for (const benchmark of options.benchmarks ?? all.filter(({ group }) => group !== "synthetic"))
    try {
      const one = await importOne(benchmark, tasks, options);
      prompts[benchmark.name] = one.prompts;
      imported.push(one.imported);
    } catch (error) {
      if (!(error instanceof NotImported)) throw error;
      leftOut.push({ benchmark: benchmark.name, reason: error.message });
    }
  const text = await profileText(checkout, tasks.folder, prompts, options);
  return { profile: parsePromptProfile(text, checkout), text, sha256: sha256(text), imported, leftOut };
}

/** The file of a profile. Its name tells checkouts apart, and what was taken of one. */
async function profileText(
  checkout: string,
  folder: string,
  benchmarks: Readonly<Record<string, BenchmarkPrompts>>,
  { variant, model }: CheckoutImportOptions,
): Promise<string> {
  const root = dirname(dirname(folder));
  const { name, url, commit } = await checkoutSource([root, resolve(root, "../..")], checkout);
  const version = commit?.slice(0, 7) ?? hashJson(benchmarks).slice(0, 8);
  const chosen = [variant, model].filter((value) => value !== undefined);
  return `${JSON.stringify(
    {
      format: "video-r2-benchmark-prompts",
      name: [`${name}@${version}`, ...chosen].join(" "),
      source: url === null && commit === null ? name : [url ?? name, commit].filter(Boolean).join(" @ "),
      benchmarks,
    },
    null,
    2,
  )}\n`;
}
