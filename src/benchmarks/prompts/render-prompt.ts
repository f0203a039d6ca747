/** Puts a question into words: our own, or a profile's template. */

import { UsageError } from "../../base/index.ts";
import { questionPrompt } from "../../models/index.ts";
import { optionLetter } from "../../trace/index.ts";
import type { BenchmarkQuestion } from "../benchmark.ts";
import type { BenchmarkPrompts, ImportedProfile } from "./prompt-profile.ts";

/** A place in a template: «name». */
export const placePattern = /«(\w+)»/g;

const fill = (template: string, value: (name: string) => string): string =>
  template.replace(placePattern, (_, name: string) => value(name));

/**
 * Our own words: the sentence a benchmark needs said, if any, then the question as `ask` and training put it, which
 * asks for `<think>` with times as MM:SS and for `<answer>`.
 */
export function ownPrompt(
  { question, options, type }: Pick<BenchmarkQuestion, "question" | "options" | "type">,
  preface: string | null = null,
): string {
  const asked = questionPrompt(question, options, type);
  return preface === null ? asked : `${preface}\n${asked}`;
}

/** The options as a profile writes them. */
function optionBlock(texts: readonly string[], prompts: BenchmarkPrompts): string {
  const isLettered = texts.length > 0 && texts.every((text, i) => text.startsWith(`${optionLetter(i)}.`));
  const form = isLettered ? (prompts.lettered ?? prompts.option) : prompts.option;
  return texts
    .map((text, i) => fill(form, (name) => (name === "letter" ? optionLetter(i) : text)))
    .join(prompts.separator);
}

/**
 * A profile's words, byte for byte: one pass over the template, so that a « in a question is text.
 *
 * @param form which of the benchmark's templates
 * @throws UsageError `prompt-profile-invalid` where the profile has no such template
 */
export function importedPrompt(question: BenchmarkQuestion, form: string, profile: ImportedProfile): string {
  const prompts = Object.hasOwn(profile.benchmarks, question.benchmark)
    ? profile.benchmarks[question.benchmark]
    : undefined;
  const template = prompts?.templates[form];
  if (prompts === undefined || template === undefined)
    throw new UsageError(
      "prompt-profile-invalid",
      `prompts ${profile.name}: must have a template ${form} for ${question.benchmark}, got ${Object.keys(profile.benchmarks).join(", ") || "none"}`,
      "docs/benchmarks.md shows what a profile holds.",
    );
  const { optionTexts, doc } = question;
  return fill(template, (name) => {
    if (name === "question") return String(doc.question);
    if (name === "options") return optionBlock(optionTexts, prompts);
    if (/^[A-Z]$/.test(name)) return optionTexts[name.charCodeAt(0) - 65] ?? "";
    return prompts.pieces[name] ?? "";
  });
}

/**
 * What reaches the model in the reference's wrapper: it deletes the word `<image>` (not `<image 1>`), which logs still
 * show.
 */
export const withoutImageMarks = (prompt: string): string => prompt.replaceAll("<image>", "");
