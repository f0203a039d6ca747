/** Qwen2.5-VL in this process: checkpoints, the network, its tokenizer, training and generation. */

export {
  type AddedTokenJson,
  QWEN_SPECIAL_TOKENS,
  saveTokenizer,
  type TrainBpeOptions,
  type TrainedTokenizer,
  trainBpe,
} from "./bpe.ts";
export {
  ChatTemplate,
  DEFAULT_CHAT_TEMPLATE,
  expandPlaceholders,
  type TemplateMessage,
  type TemplatePart,
} from "./chat-template.ts";
export { Checkpoint, loadParams, type SaveOptions, saveCheckpoint } from "./checkpoint.ts";
export {
  configToJson,
  headDim,
  loadConfig,
  parseConfig,
  patchDim,
  type Qwen25VLConfig,
  type TextConfig,
  type VisionConfig,
} from "./config.ts";
export {
  type ExportModelOptions,
  type ExportModelResult,
  exportModel,
  type FrameSize,
} from "./export-model.ts";
export {
  crossEntropy,
  type DistributionOptions,
  type ForwardOutput,
  forward,
  type InputArrays,
  inputEmbeddings,
  type TargetArrays,
  type TokenArrays,
  targetDistribution,
  targetLogProbs,
} from "./forward.ts";
export type {
  FinishReason,
  GenerateOptions,
  Generation,
  GenerationStats,
  TokenEvent,
  VideoAttention,
} from "./generate.ts";
export type { WeightDType } from "./generate-weights.ts";
export { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from "./half.ts";
export { initParams } from "./init-params.ts";
export {
  buildInputs,
  buildTargets,
  type InputLayout,
  type InputOptions,
  type Inputs,
  type InputTensors,
  type Prompt,
  type TargetTensors,
  type TokenTensors,
  type VisionInput,
  withTarget,
} from "./inputs.ts";
export {
  type AdapterUse,
  type Context,
  causalBias,
  decoderLayer,
  type LanguageOutput,
  type LayerCache,
  type LayerOptions,
  type LayerOutput,
  type LayerWeights,
  languageForward,
  layerWeights,
  outputLogits,
} from "./language.ts";
export { gelu, linear, matmul, matmulNT, softmax } from "./layers.ts";
export { LogProbs, type LogProbsOptions } from "./log-probs.ts";
export {
  type Adapter,
  initLora,
  LORA_TARGETS,
  type LoraConfig,
  loraConfig,
  loraSpecs,
  mergeLora,
  readAdapter,
  writeAdapter,
} from "./lora.ts";
export { type MergeOptions, type MergeResult, mergeAdapter } from "./merge-adapter.ts";
export {
  type AdamWOptions,
  adamW,
  learningRateSchedule,
  type ScheduleOptions,
} from "./optimizer.ts";
export {
  checkpointName,
  languageLinears,
  moduleName,
  type ParamKind,
  type ParamSpec,
  parameterCount,
  paramSpecs,
} from "./param-names.ts";
export { loadProcessor, type ProcessorConfig, processorJson, QWEN_PROCESSOR } from "./processor.ts";
export {
  type ChatMessage,
  type ChatPart,
  type GenerateResult,
  type GenerationRequest,
  type LoadOptions,
  type ModelInfo,
  type ModelParts,
  Qwen25VL,
  type TokenRequest,
  type VisualPart,
} from "./qwen-model.ts";
export {
  type Grid,
  gridTokens,
  languageRotary,
  type PositionIds,
  positionIds,
  type RotaryTables,
  type VisionItem,
  visionRotary,
} from "./rope.ts";
export {
  readSafetensors,
  SafetensorsFile,
  type StoredDType,
  type StoredTensor,
  writeSafetensors,
} from "./safetensors.ts";
export {
  argmax,
  checkSampling,
  type SampledToken,
  type SamplingOptions,
  sampleToken,
  tokenLogprob,
} from "./sampling.ts";
export {
  type FloatTensor,
  floatTensor,
  type HostParams,
  type IntTensor,
  intTensor,
  type Params,
  type Tensor,
} from "./tensor.ts";
export { Tokenizer, type TokenStream } from "./tokenizer.ts";
export {
  createTrainStep,
  type LossArguments,
  type LossFunction,
  type LossOutput,
  type OptimizerState,
  type StepResult,
  type TrainBatch,
  type TrainStep,
  type TrainStepOptions,
} from "./train-step.ts";
export { type VisionArrays, visionForward } from "./vision.ts";
export {
  buildVisionInputs,
  type GroupLayout,
  type GroupTensors,
  MASKED,
  type VisionLayout,
  type VisionTensors,
} from "./vision-inputs.ts";
