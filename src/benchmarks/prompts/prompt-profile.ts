/**
 * In whose words questions are put: ours, or others' from a file. Others' words are never part of this package; a
 * profile is filled from a checkout of the code that they come from.
 */

/** Our own words; see `ownPrompt`. */
export interface OwnProfile {
  kind: "own";
  /** Names these words in reports; changes with every change of a word. */
  name: string;
}

/** How one benchmark puts its questions. */
export interface BenchmarkPrompts {
  /** Texts by name, which templates may name: `pre`, `post` and whatever else the source keeps apart. */
  pieces: Readonly<Record<string, string>>;
  /** A template for each form of question (`Benchmark.promptForms`). */
  templates: Readonly<Record<string, string>>;
  /** One option, with the places «letter» and «text» (as the data set writes it). */
  option: string;
  /** The same where every option already begins with its letter and a full stop; default `option`. */
  lettered?: string | undefined;
  /** What stands between two options. */
  separator: string;
}

/** Prompts from a file. */
export interface ImportedProfile {
  kind: "imported";
  /** Names these texts in reports. */
  name: string;
  /** Where they come from, such as a repository and commit; null where the file does not say. */
  source: string | null;
  /** By the name of the benchmark. */
  benchmarks: Readonly<Record<string, BenchmarkPrompts>>;
}

/** Whose words are used. */
export type PromptProfile = OwnProfile | ImportedProfile;

/** Our own words. */
export const ownProfile: OwnProfile = { kind: "own", name: "own-v1" };
