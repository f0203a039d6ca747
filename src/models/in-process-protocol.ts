/** What the in-process model and its thread say to each other. */

import type { ChatMessage, ChatUsage, FinishReason, FrameSampling } from "./chat-model.ts";

/** What the thread is started with. */
export interface ThreadData {
  /** The checkpoint's folder. */
  dir: string;
  device: "cpu" | "webgpu" | "cuda";
}

/** A reply to be generated. */
export interface ThreadRequest {
  id: number;
  messages: readonly ChatMessage[];
  maxTokens: number;
  temperature: number;
  topP: number;
  topK: number;
  seed: number;
  stop: readonly string[];
  /** One value in shared memory: not 0 once the reply is no longer wanted. The thread is too busy for messages. */
  cancelled: Int32Array;
}

/** An error on its way to the other thread. */
export interface ThreadError {
  message: string;
  /** Where it is a UsageError. */
  code?: string;
  hint?: string;
  stack?: string;
}

/** What the thread tells. */
export type ThreadEvent =
  | { type: "ready"; parameters: number; sampling: FrameSampling; syntheticOnly: boolean }
  | { type: "failed"; error: ThreadError }
  | { type: "text"; id: number; text: string }
  | {
      type: "end";
      id: number;
      finishReason: FinishReason | "aborted";
      usage: ChatUsage;
      prefillSeconds: number;
      generateSeconds: number;
    }
  | { type: "error"; id: number; error: ThreadError };
