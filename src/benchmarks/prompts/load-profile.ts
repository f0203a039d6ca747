/** Prompts from a file, checked against the benchmarks that they are for. */

import { readFile } from "node:fs/promises";
import { z } from "zod";
import { messageOf, UsageError } from "../../base/index.ts";
import type { BenchmarkPrompts, ImportedProfile } from "./prompt-profile.ts";
import { placePattern } from "./render-prompt.ts";

const prompts = z.strictObject({
  pieces: z.record(z.string(), z.string()).default({}),
  templates: z.record(z.string(), z.string().min(1)),
  option: z.string().min(1).default("«letter». «text»"),
  lettered: z.string().min(1).optional(),
  separator: z.string().default("\n"),
});
const file = z.strictObject({
  format: z.literal("video-r2-benchmark-prompts"),
  name: z.string().min(1),
  source: z.string().nullable().default(null),
  benchmarks: z.record(z.string(), prompts),
});

const hint = "docs/benchmarks.md shows what a profile holds.";

const pieceName = /^(?!(?:question|options)$)[a-z]\w*$/;

const placesOf = (template: string) =>
  [...template.matchAll(placePattern)].map((match) => match[1] as string);

/** What is wrong with one benchmark's prompts, or null. */
function problem(given: BenchmarkPrompts, forms: readonly string[]): string | null {
  const badName = Object.keys(given.pieces).find((name) => !pieceName.test(name));
  if (badName !== undefined)
    return `pieces must have names of letters, a small one first, that are neither question nor options, got ${badName}`;
  const missing = forms.filter((form) => given.templates[form] === undefined);
  if (missing.length > 0) return `templates must have ${missing.join(", ")}, got none`;
  for (const [form, template] of Object.entries(given.templates)) {
    if (!forms.includes(form)) return `templates must be ${forms.join(", ")}, got ${form}`;
    const places = placesOf(template);
    const unknown = places.find(
      (name) => !Object.hasOwn(given.pieces, name) && !/^(?:question|options|[A-Z])$/.test(name),
    );
    if (unknown !== undefined)
      return `templates.${form} must name pieces, question, options or A to Z, got «${unknown}»`;
    if (!places.includes("question")) return `templates.${form} must have the place «question», got none`;
  }
  for (const name of ["option", "lettered"] as const) {
    const places = placesOf(given[name] ?? "«text»");
    if (!places.includes("text") || places.some((place) => place !== "letter" && place !== "text"))
      return `${name} must have the place «text» and no others but «letter», got ${JSON.stringify(given[name])}`;
  }
  return null;
}

/**
 * Reads a profile from JSON.
 *
 * @param path names the source in messages
 * @param formsOf the forms of each benchmark that may be in it
 * @throws UsageError `prompt-profile-invalid` saying what is missing or wrong
 */
export function parseProfile(
  text: string,
  path: string,
  formsOf: Readonly<Record<string, readonly string[]>>,
): ImportedProfile {
  const fail = (what: string, cause?: unknown): never => {
    throw new UsageError("prompt-profile-invalid", `${path}: ${what}`, hint, { cause });
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return fail(`must be JSON, got ${messageOf(error)}`, error);
  }
  const parsed = file.safeParse(json);
  if (!parsed.success) {
    const issues = parsed.error.issues.slice(0, 6);
    return fail(
      issues.map(({ path: at, message }) => `${at.join(".") || "the file"}: ${message}`).join("; "),
      parsed.error,
    );
  }
  for (const [name, given] of Object.entries(parsed.data.benchmarks)) {
    const forms = formsOf[name];
    if (forms === undefined || forms.length === 0)
      return fail(
        `benchmarks must be among ${Object.keys(formsOf)
          .filter((key) => formsOf[key]?.length)
          .join(", ")}, got ${name}`,
      );
    const wrong = problem(given, forms);
    if (wrong !== null) fail(`benchmarks.${name}.${wrong}`);
  }
  const { name, source, benchmarks } = parsed.data;
  return { kind: "imported", name, source, benchmarks };
}

/** Reads a profile's file. @throws UsageError `prompt-profile-missing`, or as `parseProfile` */
export async function readProfile(
  path: string,
  formsOf: Readonly<Record<string, readonly string[]>>,
): Promise<ImportedProfile> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new UsageError(
      "prompt-profile-missing",
      `${path}: must be a readable file, got ${messageOf(cause)}`,
      undefined,
      { cause },
    );
  });
  return parseProfile(text, path, formsOf);
}
