/** A recipe as ms-swift's arguments (version 4.5): what `swift sft FILE` and `swift rlhf FILE` read. */

import { UsageError } from "../base/index.ts";
import type { CommonRecipe, GrpoRecipe, SftRecipe } from "../training/index.ts";

/** A value of ms-swift's configuration; numbers in lists are texts there. */
export type SwiftValue = string | number | boolean | readonly string[];

/** Arguments by name, and the environment that they are to run in. */
export interface SwiftSettings {
  ENV: Record<string, string>;
  [argument: string]: SwiftValue | Record<string, string>;
}

/** Where a run's files are, and on what it runs. */
export interface SwiftPlace {
  /** Data set in ms-swift's form. */
  data: string;
  heldout?: string | undefined;
  /** Folder for ms-swift's checkpoints and logs. */
  out: string;
  /** Path of `video_r2_swift.py`. */
  plugin: string;
  /** GPUs of a node; 0 trains on the CPU. */
  gpus: number;
  /** Nodes, all with as many GPUs. */
  nodes: number;
  /** Checkpoint to go on from. */
  resume?: string | undefined;
}

/** The reference's longest sequences: 128 frames of 192 tokens at SFT; 32 frames and 1,024 new tokens at GRPO. */
const longest = { sft: 32_768, grpo: 15_360 };

/** How many steps are gathered before an update, so that all devices together make up a batch. */
function accumulation(what: string, batch: number, { gpus, nodes }: SwiftPlace, perDevice: number): number {
  const once = Math.max(1, gpus) * nodes * perDevice;
  if (batch % once !== 0)
    throw new UsageError(
      "swift-batch",
      `${what}: must be a multiple of the ${once} that ${describe(gpus, nodes)} take at once (perDevice ${perDevice}), got ${batch}`,
      "Change the recipe's batch, cluster.perDevice, --gpus or the number of nodes.",
    );
  return batch / once;
}

const describe = (gpus: number, nodes: number): string =>
  gpus === 0 ? "the CPU" : `${gpus * nodes} ${gpus * nodes === 1 ? "GPU" : "GPUs"}`;

function shared(recipe: CommonRecipe, place: SwiftPlace): Omit<SwiftSettings, "ENV"> {
  const { optimizer, lora, freeze, cluster } = recipe;
  const cpu = place.gpus === 0;
  return {
    model: recipe.model,
    model_type: "qwen2_5_vl",
    template: "qwen2_5_vl",
    use_hf: true,
    dataset: [place.data],
    ...(place.heldout === undefined ? {} : { val_dataset: [place.heldout] }),
    split_dataset_ratio: 0,
    external_plugins: [place.plugin],
    ...(lora === undefined
      ? { tuner_type: "full", freeze_llm: false }
      : {
          tuner_type: "lora",
          lora_rank: lora.r,
          lora_alpha: lora.alpha,
          lora_dropout: lora.dropout,
          target_modules: ["all-linear"],
        }),
    freeze_vit: freeze.includes("vision"),
    freeze_aligner: freeze.includes("merger"),
    ...(freeze.includes("embeddings") ? { freeze_parameters: ["model.language_model.embed_tokens"] } : {}),
    ...(cpu
      ? { use_cpu: true, torch_dtype: "float32", attn_impl: "sdpa", gradient_checkpointing: false }
      : {
          torch_dtype: "bfloat16",
          attn_impl: "flash_attn",
          gradient_checkpointing: true,
          deepspeed: "zero3",
        }),
    num_train_epochs: recipe.epochs,
    ...(recipe.steps === undefined ? {} : { max_steps: recipe.steps }),
    per_device_train_batch_size: cluster?.perDevice ?? 1,
    learning_rate: optimizer.learningRate,
    ...(optimizer.minLearningRateRatio === 0
      ? { lr_scheduler_type: "cosine" }
      : {
          lr_scheduler_type: "cosine_with_min_lr",
          lr_scheduler_kwargs: JSON.stringify({ min_lr_rate: optimizer.minLearningRateRatio }),
        }),
    warmup_ratio: optimizer.warmupRatio,
    weight_decay: optimizer.weightDecay,
    adam_beta1: optimizer.beta1,
    adam_beta2: optimizer.beta2,
    adam_epsilon: optimizer.epsilon,
    max_grad_norm: optimizer.maxGradNorm,
    truncation_strategy: "delete",
    lazy_tokenize: true,
    dataloader_num_workers: cpu ? 0 : recipe.workers,
    seed: recipe.seed,
    data_seed: recipe.seed,
    logging_steps: 1,
    save_strategy: "steps",
    save_steps: recipe.saveEvery,
    save_total_limit: recipe.keep,
    output_dir: place.out,
    add_version: false,
    ...(place.resume === undefined ? {} : { resume_from_checkpoint: place.resume }),
  };
}

function environment(recipe: CommonRecipe, { gpus }: SwiftPlace): Record<string, string> {
  const { video, cluster } = recipe;
  return {
    // One process for each GPU; without the variable ms-swift starts one.
    ...(gpus > 1 ? { NPROC_PER_NODE: String(gpus) } : {}),
    ...(gpus === 0 ? { CUDA_VISIBLE_DEVICES: "" } : {}),
    // Each row says how many frames of which size; these hold for rows that do not.
    FPS: String(video.fps),
    FPS_MIN_FRAMES: String(video.minFrames),
    FPS_MAX_FRAMES: String(video.maxFrames),
    VIDEO_MIN_PIXELS: String(video.minPixels),
    VIDEO_MAX_PIXELS: String(video.maxPixels),
    ...cluster?.env,
  };
}

/** Arguments for supervised fine-tuning. @throws UsageError `swift-batch` */
export function swiftSft(recipe: SftRecipe, place: SwiftPlace): SwiftSettings {
  const { cluster } = recipe;
  return {
    ENV: environment(recipe, place),
    ...shared(recipe, place),
    gradient_accumulation_steps: accumulation("batchSize", recipe.batchSize, place, cluster?.perDevice ?? 1),
    max_length: cluster?.maxLength ?? longest.sft,
    ...cluster?.swift,
  };
}

/** Arguments for GRPO, its rewards from a server that the environment names. @throws UsageError `swift-batch` */
export function swiftGrpo(recipe: GrpoRecipe, place: SwiftPlace): SwiftSettings {
  const { cluster, rewards } = recipe;
  const all = recipe.promptsPerStep * recipe.groupSize;
  const cpu = place.gpus === 0;
  const maxLength = cluster?.maxLength ?? longest.grpo;
  return {
    ENV: environment(recipe, place),
    rlhf_type: "grpo",
    ...shared(recipe, place),
    gradient_accumulation_steps: accumulation(
      "promptsPerStep x groupSize",
      all,
      place,
      cluster?.perDevice ?? 1,
    ),
    max_length: maxLength,
    reward_funcs: ["vr2_accuracy", "vr2_format", "vr2_tar"],
    reward_weights: [rewards.accuracy, rewards.format, rewards.temporal].map(String),
    num_generations: recipe.groupSize,
    num_iterations: recipe.iterations,
    max_completion_length: recipe.maxNewTokens,
    temperature: recipe.temperature,
    top_p: recipe.topP,
    top_k: recipe.topK,
    loss_type: recipe.lossType,
    beta: recipe.beta,
    epsilon: recipe.epsilonLow,
    epsilon_high: recipe.epsilonHigh,
    scale_rewards: recipe.scaleRewards ? "group" : "none",
    overlong_filter: recipe.maskTruncated,
    log_completions: true,
    ...(cpu
      ? { use_vllm: false }
      : {
          use_vllm: true,
          vllm_mode: "colocate",
          vllm_tensor_parallel_size: 1,
          vllm_gpu_memory_utilization: 0.4,
          vllm_max_model_len: maxLength + recipe.maxNewTokens,
          vllm_limit_mm_per_prompt: JSON.stringify({ image: 0, video: 1 }),
          sleep_level: 1,
        }),
    ...cluster?.swift,
  };
}
