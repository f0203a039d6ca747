/**
 * The folder of a training run: its recipe, its metrics, its checkpoints. Whatever moment it is cut off at, the
 * last whole checkpoint and the metrics up to it are enough to go on from there bit for bit.
 */

import { cp, mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { JsonlWriter, readJsonl, UsageError, writeFileAtomic } from "../base/index.ts";
import {
  type HostParams,
  type LoraConfig,
  loadParams,
  mergeLora,
  type OptimizerState,
  type Qwen25VLConfig,
  readAdapter,
  readSafetensors,
  saveCheckpoint,
  writeAdapter,
  writeSafetensors,
} from "../nn/index.ts";
import { EventFile, type StepLine } from "./event-file.ts";
import type { CommonRecipe } from "./recipe-file.ts";

/** Fields of a recipe that may differ when a run goes on: they do not change what is computed. */
const FREE: readonly string[] = ["saveEvery", "keep", "workers", "cluster"];

/** Files of a checkpoint that are copied from the model training began with. */
const COMPANIONS =
  /^(tokenizer|vocab|merges|special_tokens|added_tokens|chat_template|preprocessor|video_preprocessor|generation_config)/;

/** State from which a run goes on. */
export interface SavedState {
  /** All parameters; with adapters, the base's and the adapters'. */
  params: HostParams;
  optimizer: OptimizerState;
}

/** What training began with. */
export interface Origin {
  config: Qwen25VLConfig;
  /** Folder of the model, for tokenizer and settings; with adapters, also for the base's weights. */
  source: string;
  lora?: LoraConfig;
}

/** A run's folder. */
export class RunFolder {
  /** The folder. */
  readonly path: string;
  readonly #metrics: JsonlWriter;
  readonly #events: EventFile;
  #samples: JsonlWriter | undefined;

  private constructor(path: string, metrics: JsonlWriter, events: EventFile) {
    this.path = path;
    this.#metrics = metrics;
    this.#events = events;
  }

  /**
   * Begins a run, or goes on with one.
   *
   * @returns the folder, and the last checkpoint's folder if there is one to go on from
   * @throws UsageError `run-exists` if the folder holds a run and `resume` is not set; `run-missing` the other way
   *   round; `run-recipe` if the recipe is another than the run began with
   */
  static async open(
    path: string,
    recipe: CommonRecipe,
    resume: boolean,
  ): Promise<{ folder: RunFolder; checkpoint: string | undefined }> {
    const file = join(path, "recipe.json");
    const before = await readFile(file, "utf8").catch(() => undefined);
    if (before !== undefined && !resume)
      throw new UsageError(
        "run-exists",
        `${path}: must not hold a run already`,
        "Go on with it by --resume, or choose another --out.",
      );
    if (before === undefined && resume)
      throw new UsageError(
        "run-missing",
        `${path}: must hold a run to resume, got no recipe.json`,
        "Start without --resume.",
      );
    if (before !== undefined) checkSame(JSON.parse(before) as Record<string, unknown>, recipe, path);
    await mkdir(join(path, "checkpoints"), { recursive: true });
    await writeFileAtomic(file, `${JSON.stringify(recipe, null, 2)}\n`);
    const checkpoint = (await checkpoints(path)).at(-1);
    const done = checkpoint === undefined ? 0 : stepOf(checkpoint);
    const metrics = await keepLines(join(path, "metrics.jsonl"), done);
    await keepLines(join(path, "samples.jsonl"), done);
    const writer = await JsonlWriter.open(join(path, "metrics.jsonl"));
    return {
      folder: new RunFolder(path, writer, await EventFile.create(join(path, "tensorboard"), metrics)),
      checkpoint,
    };
  }

  /** Adds a line to `metrics.jsonl`, and to what TensorBoard reads. */
  async log(line: StepLine): Promise<void> {
    await this.#metrics.append(line);
    await this.#events.append(line);
  }

  /** Adds a line to `samples.jsonl`, which is there from the first on. */
  async logSamples(line: StepLine): Promise<void> {
    this.#samples ??= await JsonlWriter.open(join(this.path, "samples.jsonl"));
    await this.#samples.append(line);
  }

  /**
   * Saves a checkpoint that loads as a model and from which training goes on, and deletes all but the last `keep`.
   *
   * @returns the checkpoint's folder
   */
  async save(origin: Origin, state: SavedState, keep: number): Promise<string> {
    const { step } = state.optimizer;
    const place = join(this.path, "checkpoints", `step-${String(step).padStart(6, "0")}`);
    const temporary = `${place}.tmp`;
    await rm(temporary, { recursive: true, force: true });
    await writeModel(temporary, origin, state.params);
    const moments = new Map(
      (["first", "second"] as const).flatMap((name) =>
        [...state.optimizer[name]].map(([key, value]) => [`${name}.${key}`, value] as const),
      ),
    );
    writeSafetensors(join(temporary, "optimizer.safetensors"), moments);
    await writeFileAtomic(join(temporary, "trainer.json"), `${JSON.stringify({ step })}\n`);
    await rm(place, { recursive: true, force: true });
    await rename(temporary, place);
    for (const old of (await checkpoints(this.path)).slice(0, -keep)) await rm(old, { recursive: true });
    return place;
  }
}

/**
 * Writes a model that loads: weights and configuration, and the companions of the model it came from. Adapters
 * are merged into it, and lie beside it in `adapter/` in PEFT's format.
 */
export async function writeModel(
  folder: string,
  { config, source, lora }: Origin,
  params: HostParams,
  dtype: "float32" | "bfloat16" = "float32",
): Promise<void> {
  await mkdir(folder, { recursive: true });
  if (lora) writeAdapter(join(folder, "adapter"), { config: lora, params: adapterOf(params) }, source);
  saveCheckpoint(folder, config, mergedParams(params, { lora }), { dtype });
  for (const name of await readdir(source))
    if (COMPANIONS.test(name)) await cp(join(source, name), join(folder, name));
}

/** Reads the state of a checkpoint that `save` wrote. */
export async function readState(checkpoint: string, { config, source, lora }: Origin): Promise<SavedState> {
  const { step } = JSON.parse(await readFile(join(checkpoint, "trainer.json"), "utf8")) as { step: number };
  const moments = readSafetensors(join(checkpoint, "optimizer.safetensors"));
  const part = (name: string): HostParams =>
    new Map(
      [...moments].flatMap(([key, value]) =>
        key.startsWith(`${name}.`) ? [[key.slice(name.length + 1), value] as const] : [],
      ),
    );
  const params = lora
    ? new Map([...loadParams(source), ...readAdapter(join(checkpoint, "adapter"), config).params])
    : loadParams(checkpoint);
  return { params, optimizer: { step, first: part("first"), second: part("second") } };
}

/** The parameters as a model without adapters has them. */
export function mergedParams(params: HostParams, { lora }: { lora?: LoraConfig | undefined }): HostParams {
  return lora ? mergeLora(params, { config: lora, params: adapterOf(params) }) : params;
}

function adapterOf(params: HostParams): HostParams {
  return new Map([...params].filter(([name]) => /\.lora_[AB]\./.test(name)));
}

/** Folders of whole checkpoints, oldest first. */
async function checkpoints(run: string): Promise<string[]> {
  const names = await readdir(join(run, "checkpoints")).catch(() => []);
  const whole = names.filter((name) => /^step-\d+$/.test(name)).map((name) => join(run, "checkpoints", name));
  const found: string[] = [];
  for (const path of whole)
    if (await stat(join(path, "trainer.json")).catch(() => undefined)) found.push(path);
  return found.sort((a, b) => stepOf(a) - stepOf(b));
}

function stepOf(checkpoint: string): number {
  return Number(basename(checkpoint).slice("step-".length));
}

/** Drops the lines of steps after the checkpoint, which will be computed again. @returns the others */
async function keepLines(path: string, step: number): Promise<StepLine[]> {
  const kept: StepLine[] = [];
  if (!(await stat(path).catch(() => undefined))) return kept;
  try {
    for await (const line of readJsonl<StepLine>(path)) if (line.step <= step) kept.push(line);
  } catch (error) {
    // A kill can cut the last line; what is before it is whole.
    if (!(error instanceof UsageError)) throw error;
  }
  await writeFileAtomic(path, kept.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return kept;
}

function checkSame(before: Record<string, unknown>, recipe: CommonRecipe, path: string): void {
  const now = JSON.parse(JSON.stringify(recipe)) as Record<string, unknown>;
  const changed = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter(
    (key) => !FREE.includes(key) && JSON.stringify(before[key]) !== JSON.stringify(now[key]),
  );
  if (changed.length > 0)
    throw new UsageError(
      "run-recipe",
      `${path}: must be resumed with the recipe it began with, got another ${changed.join(", ")}`,
      "Its recipe is in recipe.json. To train differently, choose another --out.",
    );
}
