/** The contract of everything that answers questions about a video: a server, or the network in this process. */

/** One frame of a video as a model gets it: resized, with whatever is drawn on it. */
export interface VideoFrame {
  /** When it is shown, in seconds from the start of the video. */
  seconds: number;
  /** In pixels. */
  width: number;
  /** In pixels. */
  height: number;
  /** RGB, 8 bits each, row by row: `width * height * 3` bytes. */
  data: Uint8Array;
}

/** A video as a model gets it: frames sampled from it, all of one size, in order of time. */
export interface VideoInput {
  /** At least one. */
  frames: readonly VideoFrame[];
  /** Frames per second of the sampling. */
  sampleFps: number;
  /** The file the frames come from, for runtimes that send it whole. */
  path?: string;
}

/** A part of a message. */
export type ContentPart = { type: "text"; text: string } | { type: "video"; video: VideoInput };

/** A message of a conversation. */
export interface ChatMessage {
  role: "system" | "user" | "assistant";
  content: string | readonly ContentPart[];
}

/** How a reply is generated. */
export interface GenerateOptions {
  /** Most tokens of the reply, at least 1. Default 512. */
  maxTokens?: number | undefined;
  /** 0 always takes the likeliest token; at most 2. Default 0. */
  temperature?: number | undefined;
  /** Sample from the likeliest tokens that make up this probability, in (0, 1]. Default 1. */
  topP?: number | undefined;
  /** Sample from this many likeliest tokens; 0 means all. Default 0. */
  topK?: number | undefined;
  /** Seed of the sampling; the same seed, model and messages give the same reply in process. Default 0. */
  seed?: number | undefined;
  /** The reply ends before the first of these texts. */
  stop?: readonly string[] | undefined;
  /** Ends the generation; `stream` then throws the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Why a reply ended: the model was done (or met a stop text), or `maxTokens` were reached. */
export type FinishReason = "stop" | "length";

/** What a reply took; null where the runtime does not say. */
export interface ChatUsage {
  /** Frames of all videos in the messages. */
  frames: number;
  /** Tokens of the prompt, those of the videos included. */
  promptTokens: number | null;
  /** Tokens of the videos alone. */
  videoTokens: number | null;
  /** Tokens of the reply. */
  completionTokens: number | null;
}

/** How long a reply took, in seconds. */
export interface ChatTiming {
  /** Waiting for a turn. */
  queueSeconds: number;
  /** From the turn to the first token. */
  prefillSeconds: number;
  /** From the first token to the last. */
  generateSeconds: number;
}

/** What happens while a reply is generated: pieces of text, and once, at the end, what it took. */
export type ChatEvent =
  | { type: "text"; text: string }
  | { type: "end"; finishReason: FinishReason; usage: ChatUsage; timing: ChatTiming };

/** How frames are to be sampled for a model; names and meaning as in `sampleVideo` of src/video. */
export interface FrameSampling {
  /** Frames per second. */
  fps: number;
  /** At least this many, however short the video. */
  minFrames: number;
  /** At most this many, however long the video. */
  maxFrames: number;
  /** Least pixels of a frame. */
  minPixels: number;
  /** Most pixels of a frame. */
  maxPixels: number;
  /** Width and height are multiples of this. */
  factor: number;
  /** Whether the model was trained with the time drawn on its frames. */
  timestamps: boolean;
}

/** What is known of a model. */
export interface ModelInfo {
  /** `builtin`, a folder's name, or the name a server knows it by. */
  name: string;
  /** Where it runs. */
  kind: "in-process" | "server";
  /** The device in process, or the server's URL. */
  device: string;
  /** Number of parameters, or null where not known. */
  parameters: number | null;
  /** How its frames are sampled unless the caller says otherwise. */
  sampling: FrameSampling;
  /** Whether it knows the synthetic world only, like the checkpoint in this package. */
  syntheticOnly: boolean;
}

/** Something that answers questions about a video. */
export interface ChatModel {
  /**
   * What is known of the model.
   *
   * @throws UsageError if it cannot be reached
   */
  info(): Promise<ModelInfo>;
  /**
   * Generates the next message. Leaving the loop early ends the generation.
   *
   * @throws UsageError for messages or options the model cannot take, or a server that does not answer; the
   *   reason of `options.signal` once that is aborted
   */
  stream(
    messages: readonly ChatMessage[],
    options?: GenerateOptions,
  ): AsyncGenerator<ChatEvent, void, undefined>;
  /** Frees memory and connections; replies in progress fail. */
  close(): Promise<void>;
}

/** A whole reply. */
export interface ChatReply {
  text: string;
  finishReason: FinishReason;
  usage: ChatUsage;
  timing: ChatTiming;
}

/** Generates the next message as a whole; `onText` gets its pieces as they come. @throws as `stream` */
export async function complete(
  model: ChatModel,
  messages: readonly ChatMessage[],
  options: GenerateOptions & { onText?: ((text: string) => void) | undefined } = {},
): Promise<ChatReply> {
  let text = "";
  const { onText, ...generate } = options;
  for await (const event of model.stream(messages, generate)) {
    if (event.type === "end") {
      const { finishReason, usage, timing } = event;
      return { text, finishReason, usage, timing };
    }
    text += event.text;
    onText?.(event.text);
  }
  throw new Error("internal: a model's stream ended without its end event");
}

/** The videos of a conversation, in order. */
export function videosOf(messages: readonly ChatMessage[]): VideoInput[] {
  return messages.flatMap(({ content }) =>
    typeof content === "string" ? [] : content.flatMap((part) => (part.type === "video" ? [part.video] : [])),
  );
}
