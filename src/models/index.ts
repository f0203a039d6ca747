/** What answers questions about a video, and the words in which it is asked. */

export {
  type ChatEvent,
  type ChatMessage,
  type ChatModel,
  type ChatReply,
  type ChatTiming,
  type ChatUsage,
  type ContentPart,
  complete,
  type FinishReason,
  type FrameSampling,
  type GenerateOptions,
  type ModelInfo,
  type VideoFrame,
  type VideoInput,
} from "./chat-model.ts";
export {
  type CheckpointSampling,
  checkpointSampling,
  samplingJson,
  saveSampling,
  type TrainedSampling,
} from "./checkpoint-sampling.ts";
export { connectServer } from "./connect-server.ts";
export { builtinDir, locateModel, type ModelPlace, type OpenModelOptions, openModel } from "./open-model.ts";
export type { OpenAIModel, OpenAIModelOptions } from "./openai-model.ts";
export { answerTarget, questionPrompt, systemPrompt } from "./prompt.ts";
export type {
  ChatMessageReply,
  ChatRequest,
  ServerConnection,
  ServerOptions,
} from "./server-connection.ts";
export { Turns } from "./turns.ts";
