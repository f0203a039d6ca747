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
export { loadProcessor, type ProcessorConfig, processorJson, QWEN_PROCESSOR } from "./processor.ts";
export {
  argmax,
  checkSampling,
  type SampledToken,
  type SamplingOptions,
  sampleToken,
  tokenLogprob,
} from "./sampling.ts";
export { Tokenizer, type TokenStream } from "./tokenizer.ts";
