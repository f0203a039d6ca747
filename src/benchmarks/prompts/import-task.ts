/**
 * The tasks of an lmms-eval checkout: which YAML file has a task, what it includes, which entry of
 * `lmms_eval_specific_kwargs` a model gets, and the function in the task's Python that writes the prompt.
 */

import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { parse, type ScalarTag } from "yaml";
import { messageOf, UsageError } from "../../base/index.ts";
import type { Row } from "../rows/open-table.ts";
import { PythonProblem } from "./import-python-lines.ts";
import { PythonModule } from "./import-python-module.ts";
import { fromJson, kindOf } from "./import-python-values.ts";
import { NotImported } from "./import-template.ts";

/** Where a checkout, or the part of one that is named, may have its tasks. */
const places = ["lmms_eval/tasks", "eval/lmms-eval/lmms_eval/tasks", "lmms-eval/lmms_eval/tasks", "tasks"];
const DEEPEST_INCLUDE = 10;

/** `!function utils.NAME`, and the folder of the file that says so. */
class FunctionName {
  readonly folder: string;
  readonly name: string;

  constructor(folder: string, name: string) {
    this.folder = folder;
    this.name = name;
  }
}

type Config = Readonly<Record<string, unknown>>;
const isConfig = (value: unknown): value is Config =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A task as far as its prompts go. */
export interface PromptTask {
  name: string;
  /** Its YAML file, relative to the checkout's tasks. */
  file: string;
  /** `FILE:LINE FUNCTION`, of the function that writes its prompts. */
  writer: string;
  /** The entry of `lmms_eval_specific_kwargs` that is taken; null where there is none to take. */
  key: string | null;
  /** What the function is given besides the row. */
  settings: Config | null;
  /** The prompt of a row. @throws NotImported where the function is not understood */
  write: (row: Row) => string;
}

/** The tasks of a checkout. */
export class CheckoutTasks {
  /** The folder that has all tasks. */
  readonly folder: string;
  readonly #files: ReadonlyMap<string, readonly string[]>;
  readonly #modules = new Map<string, Promise<PythonModule>>();

  private constructor(folder: string, files: ReadonlyMap<string, readonly string[]>) {
    this.folder = folder;
    this.#files = files;
  }

  /** Finds the tasks of a checkout. @throws UsageError `prompt-checkout` where there are none */
  static async open(checkout: string): Promise<CheckoutTasks> {
    const tried = places.map((place) => join(checkout, place));
    const folder = tried.find((path) => existsSync(path));
    if (folder === undefined)
      throw new UsageError(
        "prompt-checkout",
        `${checkout}: must be a checkout of lmms-eval, got none of ${tried.join(", ")}`,
        "git clone https://github.com/mbzuai-oryx/Video-R2, and name the folder it makes.",
      );
    const files = new Map<string, string[]>();
    const names = await readdir(folder, { recursive: true });
    for (const name of names.filter((path) => path.endsWith(".yaml")).sort()) {
      const task = /^task:[ \t]*(["']?)([\w.-]+)\1[ \t]*(?:#.*)?$/m.exec(
        await readFile(join(folder, name), "utf8"),
      );
      if (task?.[2]) files.set(task[2], [...(files.get(task[2]) ?? []), name]);
    }
    return new CheckoutTasks(resolve(folder), files);
  }

  /** Whether there is a task of this name. */
  has(name: string): boolean {
    return this.#files.has(name);
  }

  /**
   * Reads a task.
   *
   * @param model whose entry of `lmms_eval_specific_kwargs` is taken; where it has none, `default`
   * @throws NotImported saying what is not as it is understood
   */
  async read(name: string, model: string): Promise<PromptTask> {
    const [file, ...others] = this.#files.get(name) ?? [];
    if (file === undefined || others.length > 0)
      throw new NotImported(
        `${this.#shown(this.folder)}: one file must have the task ${name}, got ${file === undefined ? "none" : [file, ...others].join(", ")}`,
      );
    const config = await this.#load(join(this.folder, file), DEEPEST_INCLUDE);
    const writer = config.doc_to_text;
    if (!(writer instanceof FunctionName))
      throw new NotImported(
        `${this.#shown(file)}: doc_to_text must be a !function, got ${writer === undefined ? "none" : JSON.stringify(writer)}`,
      );
    const { key, settings } = settingsFor(config.lmms_eval_specific_kwargs, model);
    return { name, file, key, settings, ...(await this.#writer(writer, settings)) };
  }

  /** A YAML file with what it includes, as lmms-eval puts them together. */
  async #load(path: string, depth: number): Promise<Config> {
    const functions: ScalarTag = {
      tag: "!function",
      resolve: (text) => new FunctionName(dirname(path), text),
    };
    const config: unknown = await readFile(path, "utf8")
      .then((text) =>
        parse(text, { version: "1.1", customTags: [functions], uniqueKeys: false, logLevel: "error" }),
      )
      .catch((cause: unknown) => {
        throw new NotImported(`${this.#shown(path)}: must be readable YAML, got ${messageOf(cause)}`, {
          cause,
        });
      });
    if (!isConfig(config)) throw new NotImported(`${this.#shown(path)}: must have keys, got none`);
    const { include, ...own } = config;
    if (include === undefined) return own;
    if (depth === 0)
      throw new NotImported(`${this.#shown(path)}: must include files at most ${DEEPEST_INCLUDE} deep`);
    const included = await Promise.all(
      [include].flat().map((name) => this.#load(resolve(dirname(path), String(name)), depth - 1)),
    );
    return Object.assign({}, ...included.reverse(), own) as Config;
  }

  async #writer(
    { folder, name }: FunctionName,
    settings: Config | null,
  ): Promise<Pick<PromptTask, "writer" | "write">> {
    const [module, wanted, ...more] = name.split(".");
    if (module === undefined || wanted === undefined || more.length > 0)
      throw new NotImported(`${this.#shown(folder)}: doc_to_text must be !function FILE.NAME, got ${name}`);
    const path = join(folder, `${module}.py`);
    const python = await this.#module(path);
    const understood = <T>(run: () => T): T => {
      try {
        return run();
      } catch (cause) {
        if (!(cause instanceof PythonProblem)) throw cause;
        const place = `${this.#shown(path)}:${cause.line}`;
        throw new NotImported(`${place}: ${cause.message} (in what ${wanted} does)`, { cause });
      }
    };
    const line = understood(() => python.lineOf(wanted));
    const writer = `${this.#shown(path)}:${line ?? 1} ${wanted}`;
    if (line === null) throw new NotImported(`${writer}: there must be one such def, got none or several`);
    const given = settings === null ? [] : [settings];
    return {
      writer,
      write: (row) => {
        const prompt = understood(() => python.call(wanted, [row, ...given].map(fromJson)));
        if (typeof prompt === "string") return prompt;
        throw new NotImported(`${writer}: it must return a text, got ${kindOf(prompt)}`);
      },
    };
  }

  #module(path: string): Promise<PythonModule> {
    const known = this.#modules.get(path);
    if (known) return known;
    const opened = readFile(path, "utf8")
      .then((text) => new PythonModule(text))
      .catch((cause: unknown) => {
        const line = cause instanceof PythonProblem ? `:${cause.line}` : "";
        throw new NotImported(
          `${this.#shown(path)}${line}: must be a file of Python, got ${messageOf(cause)}`,
          { cause },
        );
      });
    this.#modules.set(path, opened);
    return opened;
  }

  /** A path as messages have it: from `tasks` on. */
  #shown(path: string): string {
    return join(basename(this.folder), relative(this.folder, resolve(this.folder, path)));
  }
}

/** As `ConfigurableTask._prepare_model_specific_config` of lmms-eval chooses. */
function settingsFor(given: unknown, model: string): { key: string | null; settings: Config | null } {
  if (!isConfig(given)) return { key: null, settings: null };
  const key = [model, "default", "dataset"].find((name) => Object.hasOwn(given, name)) ?? null;
  const chosen = key === null ? null : given[key];
  if (key === model) return { key, settings: isConfig(chosen) ? chosen : null };
  return { key, settings: isConfig(chosen) ? { ...given, ...chosen } : given };
}
