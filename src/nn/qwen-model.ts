/**
 * A Qwen2.5-VL checkpoint ready to use: messages with videos in, text out. It also makes training examples, so
 * that training and generation build prompts by the same code.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../base/index.ts";
import type { Device, HostTensor } from "../engine/index.ts";
import { ChatTemplate, expandPlaceholders, type TemplateMessage } from "./chat-template.ts";
import { Checkpoint } from "./checkpoint.ts";
import type { Qwen25VLConfig } from "./config.ts";
import {
  type GenerateOptions,
  type Generation,
  type GenerationPrompt,
  type GenerationStats,
  generateSequences,
} from "./generate.ts";
import { LanguageRuntime } from "./generate-runtime.ts";
import { VisionRuntime } from "./generate-vision.ts";
import { joinWeights, storeWeight, type WeightDType } from "./generate-weights.ts";
import { type Prompt, type VisionInput, withTarget } from "./inputs.ts";
import { parameterCount, paramSpecs } from "./param-names.ts";
import { loadProcessor, type ProcessorConfig, QWEN_PROCESSOR } from "./processor.ts";
import { type Grid, gridTokens, positionIds } from "./rope.ts";
import type { FloatTensor, HostParams } from "./tensor.ts";
import { Tokenizer } from "./tokenizer.ts";

/** A video or image in a message, as the video layer's `toPatches` makes it. */
export interface VisualPart {
  type: "video" | "image";
  /** Flattened, normalised patches, `[t h w, patchDim]`. */
  pixelValues: { readonly data: unknown; readonly shape: readonly number[] };
  /** Temporal, vertical and horizontal patches. */
  gridThw: Grid;
  /** Seconds between temporal patches; default 1. */
  secondPerGridTs?: number;
}

/** A piece of a message. */
export type ChatPart = { type: "text"; text: string } | VisualPart;

/** A message of a conversation. */
export interface ChatMessage {
  role: "system" | "user" | "assistant";
  content: string | readonly ChatPart[];
}

/** What to answer. */
export interface GenerationRequest {
  messages: readonly ChatMessage[];
  /** Seed of this request's random numbers; default the options' `seed`. */
  seed?: number | string;
}

/** How a model is loaded. */
export interface LoadOptions {
  /** Where programs run. Default cpu. */
  device?: Device;
  /**
   * What weights are kept in, whatever the file stores; computation is in float32. float16 halves the memory,
   * rounds weights to 11 bits and takes longer a token. Default float32.
   */
  dtype?: WeightDType;
  /** Threads of a program on the CPU. Default: all. */
  threads?: number;
}

/** What a model is made of. */
export interface ModelParts {
  config: Qwen25VLConfig;
  /** Gives a tensor by its checkpoint name; it is asked once for each. */
  read: (name: string) => FloatTensor;
  tokenizer: Tokenizer;
  /** Default: the template of checkpoints without one. */
  template?: ChatTemplate;
  /** Default: Qwen2.5-VL's. */
  processor?: ProcessorConfig;
  /** Default: the configuration's, or the tokenizer's `<|im_end|>`. */
  stopTokenIds?: readonly number[];
}

/** What a model is, for people and run records. */
export interface ModelInfo {
  directory: string | undefined;
  /** Number of trained values, and the bytes they take in memory. */
  parameters: number;
  bytes: number;
  device: Device;
  dtype: WeightDType;
  layers: number;
  hiddenSize: number;
  vocabularySize: number;
}

/** Results of `generate`: `generations[request][sample]`. */
export interface GenerateResult {
  generations: Generation[][];
  stats: GenerationStats;
}

/** A prompt and, in `ids`, how it ends: what `generateTokens` takes. */
export interface TokenRequest extends Prompt {
  seed?: number | string;
}

/** A loaded model. Call `dispose` when done. */
export class Qwen25VL {
  readonly config: Qwen25VLConfig;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  readonly processor: ProcessorConfig;
  /** Tokens that end an answer. */
  readonly stopTokenIds: readonly number[];
  readonly #options: LoadOptions;
  readonly #directory: string | undefined;
  #language: LanguageRuntime;
  #vision: VisionRuntime;

  private constructor(parts: ModelParts, options: LoadOptions, directory?: string) {
    this.config = parts.config;
    this.tokenizer = parts.tokenizer;
    this.template = parts.template ?? new ChatTemplate(undefined, parts.tokenizer.specialTokens.values());
    this.processor = parts.processor ?? { ...QWEN_PROCESSOR };
    const end = parts.tokenizer.id("<|im_end|>");
    const configured = parts.stopTokenIds ?? parts.config.text.eos_token_ids;
    this.stopTokenIds = configured.length > 0 || end === undefined ? configured : [end];
    this.#options = options;
    this.#directory = directory;
    [this.#language, this.#vision] = makeRuntimes(parts.config, parts.read, options);
  }

  /**
   * Loads a checkpoint directory: configuration, weights, tokenizer, chat template, pixel settings.
   *
   * @throws UsageError naming the file that is missing or wrong
   */
  static async load(directory: string, options: LoadOptions = {}): Promise<Qwen25VL> {
    const checkpoint = new Checkpoint(directory);
    try {
      const tokenizer = await Tokenizer.load(directory);
      const { config } = checkpoint;
      checkTokenizer(config, tokenizer);
      const template = await ChatTemplate.load(directory, tokenizer.specialTokens.values());
      const processor = await loadProcessor(directory);
      const stopTokenIds = await generationStops(directory);
      const read = (name: string) => checkpoint.read(name);
      const parts = {
        config,
        read,
        tokenizer,
        template,
        processor,
        ...(stopTokenIds ? { stopTokenIds } : {}),
      };
      return new Qwen25VL(parts, options, directory);
    } finally {
      checkpoint.close();
    }
  }

  /** Makes a model of parts in memory, such as parameters in training. */
  static fromParts(parts: ModelParts, options: LoadOptions = {}): Qwen25VL {
    return new Qwen25VL(parts, options);
  }

  /** Takes new parameters of the same configuration; what was compiled stays. */
  setParams(params: HostParams): void {
    const read = (name: string): FloatTensor => {
      const tensor = params.get(name);
      if (!tensor) throw new UsageError("model-params", `setParams: must hold the tensor "${name}"`);
      return tensor;
    };
    const { dtype } = this.#options;
    this.#language.setWeights(joinWeights(this.config.text, read, dtype));
    this.#vision.setParams(visionParams(this.config, read, dtype));
  }

  /**
   * The token ids of a conversation, with a placeholder for every video token, and its videos.
   *
   * @param target the assistant's answer to learn; it is put behind the prompt with the token that ends it, and
   *   `labels` are -100 outside of it
   * @throws UsageError `message-special-token`, `video-placeholders`, `chat-template`
   */
  prepare(messages: readonly ChatMessage[], target?: string): Prompt {
    const parts = messages.flatMap(({ content }) => (typeof content === "string" ? [] : content));
    const visuals = parts.filter((part): part is VisualPart => part.type !== "text");
    const vision = visuals.map(visionInput);
    const text = this.template.render(messages.map(templateMessage), { addGenerationPrompt: true });
    const merge = this.config.vision.spatial_merge_size;
    let ids = this.tokenizer.encode(text);
    for (const kind of ["video", "image"] as const) {
      const counts = vision.flatMap((item) => (item.kind === kind ? [gridTokens(item.grid, merge)] : []));
      const id = kind === "video" ? this.config.video_token_id : this.config.image_token_id;
      ids = expandPlaceholders(ids, id, counts);
    }
    if (target === undefined) return { ids, vision };
    this.template.checkText(target, "assistant");
    const end = this.tokenizer.id("<|im_end|>") ?? this.stopTokenIds[0];
    return withTarget({ ids, vision }, [
      ...this.tokenizer.encode(target),
      ...(end === undefined ? [] : [end]),
    ]);
  }

  /**
   * Answers requests, several at once.
   *
   * @throws UsageError as `prepare`, `sampling-option`, or `prompt-length` for what the model cannot hold
   */
  generate(requests: readonly GenerationRequest[], options: GenerateOptions = {}): Promise<GenerateResult> {
    const prompts = requests.map(({ messages, seed }) => ({
      ...this.prepare(messages),
      ...(seed === undefined ? {} : { seed }),
    }));
    return this.generateTokens(prompts, options);
  }

  /** As `generate`, for prompts that are token ids already. */
  async generateTokens(
    requests: readonly TokenRequest[],
    options: GenerateOptions = {},
  ): Promise<GenerateResult> {
    const seen = new Map<Float32Array, Promise<Float32Array>>();
    let visionSeconds = 0;
    const see = async (item: VisionInput): Promise<Float32Array> => {
      const start = performance.now();
      let tokens = seen.get(item.pixelValues);
      if (!tokens) {
        tokens = this.#vision.see(item.pixelValues, item.grid);
        seen.set(item.pixelValues, tokens);
      }
      const result = await tokens;
      visionSeconds += (performance.now() - start) / 1000;
      return result;
    };
    const prompts = requests.map((request) => this.#generationPrompt(request, see, options));
    const model = {
      runtime: this.#language,
      tokenizer: this.tokenizer,
      heads: this.config.text.num_attention_heads,
      maxLength: this.config.text.max_position_embeddings,
    };
    const { generations, stats } = await generateSequences(model, prompts, {
      ...options,
      stopTokenIds: options.stopTokenIds ?? this.stopTokenIds,
    });
    const prefillSeconds = Math.max(0, stats.prefillSeconds - visionSeconds);
    return { generations, stats: { ...stats, prefillSeconds, visionSeconds } };
  }

  /** What the model is. */
  info(): ModelInfo {
    const { text } = this.config;
    const parameters = parameterCount(this.config);
    const { dtype = "float32" } = this.#options;
    return {
      directory: this.#directory,
      parameters,
      bytes: parameters * (dtype === "float32" ? 4 : 2),
      device: this.#options.device ?? "cpu",
      dtype,
      layers: text.num_hidden_layers,
      hiddenSize: text.hidden_size,
      vocabularySize: text.vocab_size,
    };
  }

  /** Frees the compiled programs. */
  async dispose(): Promise<void> {
    await this.#language.dispose();
    await this.#vision.dispose();
  }

  #generationPrompt(
    { ids, vision = [], seed }: TokenRequest,
    see: (item: VisionInput) => Promise<Float32Array>,
    options: GenerateOptions,
  ): GenerationPrompt {
    const tokens = Array.from(ids);
    const longest = this.config.text.max_position_embeddings;
    if (tokens.length === 0 || tokens.length >= longest)
      throw new UsageError(
        "prompt-length",
        `prompt: must have 1 to ${longest - 1} tokens, got ${tokens.length}`,
        "Show fewer frames, or smaller ones.",
      );
    const places = tokens.filter((id) => this.#isPlaceholder(id)).length;
    const merge = this.config.vision.spatial_merge_size;
    const seen = vision.reduce((sum, { grid }) => sum + gridTokens(grid, merge), 0);
    if (places !== seen)
      throw new UsageError(
        "model-input",
        `prompt: must hold one placeholder for each of the ${seen} vision tokens, got ${places}`,
      );
    const { ids: positions, deltas } = positionIds(this.config, tokens, [1, tokens.length], [vision]);
    const read = async () => {
      const embeddings = await this.#embed(tokens, vision, see);
      return this.#language.prefill(embeddings, positions, { attention: options.returnAttention === true });
    };
    return {
      ids: tokens,
      nextPosition: tokens.length + (deltas[0] as number),
      patches: temporalPatches(this.config, tokens, vision),
      read,
      ...(seed === undefined ? {} : { seed }),
    };
  }

  /** Input embeddings `[S, D]`: the token table's rows, and the vision tower's output where a video is. */
  async #embed(
    ids: readonly number[],
    vision: readonly VisionInput[],
    see: (item: VisionInput) => Promise<Float32Array>,
  ): Promise<Float32Array> {
    const width = this.config.text.hidden_size;
    const result = new Float32Array(ids.length * width);
    const places = ids.flatMap((id, i) => (this.#isPlaceholder(id) ? [i] : []));
    ids.forEach((id, i) => {
      if (!this.#isPlaceholder(id)) this.#language.copyEmbedding(id, result, i * width);
    });
    let next = 0;
    for (const item of vision) {
      const tokens = await see(item);
      for (let from = 0; from < tokens.length; from += width)
        result.set(tokens.subarray(from, from + width), (places[next++] as number) * width);
    }
    return result;
  }

  #isPlaceholder(id: number): boolean {
    return id === this.config.video_token_id || id === this.config.image_token_id;
  }
}

function makeRuntimes(
  config: Qwen25VLConfig,
  read: (name: string) => FloatTensor,
  options: LoadOptions,
): [LanguageRuntime, VisionRuntime] {
  const { dtype, ...where } = options;
  const language = new LanguageRuntime(config, joinWeights(config.text, read, dtype), where);
  return [language, new VisionRuntime(config, visionParams(config, read, dtype), where)];
}

function visionParams(
  config: Qwen25VLConfig,
  read: (name: string) => FloatTensor,
  dtype: WeightDType = "float32",
): Record<string, HostTensor> {
  const names = paramSpecs(config).flatMap(({ name }) => (name.startsWith("visual.") ? [name] : []));
  return Object.fromEntries(names.map((name) => [name, storeWeight(read(name), dtype)]));
}

function visionInput({ type, pixelValues, gridThw, secondPerGridTs }: VisualPart): VisionInput {
  if (!(pixelValues.data instanceof Float32Array))
    throw new UsageError(
      "model-input",
      `${type}: pixelValues must be float32, got ${typeof pixelValues.data}`,
    );
  return {
    kind: type,
    grid: gridThw,
    pixelValues: pixelValues.data,
    ...(secondPerGridTs === undefined ? {} : { secondPerGrid: secondPerGridTs }),
  };
}

function templateMessage({ role, content }: ChatMessage): TemplateMessage {
  if (typeof content === "string") return { role, content };
  return {
    role,
    content: content.map((part) =>
      part.type === "text" ? { type: "text", text: part.text } : { type: part.type },
    ),
  };
}

/** For each temporal patch of each image and video: the index of its first token, and of the one behind it. */
function temporalPatches(
  config: Qwen25VLConfig,
  ids: readonly number[],
  vision: readonly VisionInput[],
): (readonly [number, number])[] {
  const merge = config.vision.spatial_merge_size;
  let at = 0;
  return vision.flatMap(({ kind, grid }) => {
    const id = kind === "video" ? config.video_token_id : config.image_token_id;
    const each = gridTokens([1, grid[1], grid[2]], merge);
    const start = ids.indexOf(id, at);
    at = start + grid[0] * each;
    return Array.from({ length: grid[0] }, (_, t) => [start + t * each, start + (t + 1) * each] as const);
  });
}

/** @throws UsageError `tokenizer-mismatch` if the tokenizer's video token is not the configuration's */
function checkTokenizer(config: Qwen25VLConfig, tokenizer: Tokenizer): void {
  const id = tokenizer.id("<|video_pad|>");
  if (id !== config.video_token_id)
    throw new UsageError(
      "tokenizer-mismatch",
      `tokenizer.json: <|video_pad|> must have the id ${config.video_token_id} of config.json, got ${id ?? "none"}`,
      "config.json and tokenizer.json belong to different checkpoints.",
    );
}

/** `eos_token_id` of `generation_config.json`, or undefined. @throws UsageError `model-config` where it is no JSON */
export async function generationStops(directory: string): Promise<number[] | undefined> {
  const path = join(directory, "generation_config.json");
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const { eos_token_id: eos } = JSON.parse(text) as { eos_token_id?: number | number[] | null };
    return eos === undefined || eos === null ? undefined : [eos].flat();
  } catch (cause) {
    throw new UsageError("model-config", `${path}: must be JSON`, undefined, { cause });
  }
}
