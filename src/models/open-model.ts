/** A model from the words a user names it by. */

import { readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../base/index.ts";
import type { ChatModel } from "./chat-model.ts";
import type { OpenAIModelOptions } from "./openai-model.ts";

/** Where the words point. */
export type ModelPlace =
  | { kind: "folder"; dir: string; name: string; builtin: boolean }
  | { kind: "server"; url: string; model: string | undefined };

/** How a model is opened; what has no meaning for its kind is ignored. */
export interface OpenModelOptions extends Omit<OpenAIModelOptions, "url" | "model"> {
  /** In-process models: `cpu` (default), `webgpu` or `cuda`. */
  device?: string | undefined;
  /** Ends the loading of a checkpoint; `openModel` then throws its reason. */
  signal?: AbortSignal | undefined;
}

/** The folder of the checkpoint that comes with this package. */
export const builtinDir = fileURLToPath(new URL("../../assets/builtin", import.meta.url));

const isFolder = async (path: string) => (await stat(path).catch(() => null))?.isDirectory() ?? false;

/** The folder of a Hugging Face cache that holds a repository's newest files, or null. */
async function cachedSnapshot(repository: string): Promise<string | null> {
  const { HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = process.env;
  const hub =
    HF_HUB_CACHE ?? join(HF_HOME ?? join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "huggingface"), "hub");
  const home = join(hub, `models--${repository.replace("/", "--")}`);
  const commit = await readFile(join(home, "refs", "main"), "utf8").catch(() => null);
  if (commit === null) return null;
  const dir = join(home, "snapshots", commit.trim());
  return (await isFolder(dir)) ? dir : null;
}

function serverPlace(spec: string): ModelPlace {
  let url: URL;
  try {
    url = new URL(spec);
  } catch (cause) {
    throw new UsageError(
      "model-invalid",
      `model: must be a valid address, got ${spec}`,
      "Write http://host:port/v1#model-name.",
      {
        cause,
      },
    );
  }
  const model = decodeURIComponent(url.hash.slice(1)) || undefined;
  url.hash = "";
  return { kind: "server", url: url.href.replace(/\/$/, ""), model };
}

/**
 * Finds what a user means by `builtin`, a checkpoint folder, `hf:org/name` (from the local cache) or
 * `http://host:port/v1#model-name`. Servers are not contacted.
 *
 * @throws UsageError `model-invalid`, `model-missing` or `builtin-missing`
 */
export async function locateModel(spec: string): Promise<ModelPlace> {
  if (/^https?:/i.test(spec)) return serverPlace(spec);
  if (spec === "builtin") {
    if (await isFolder(builtinDir))
      return { kind: "folder", dir: builtinDir, name: "builtin", builtin: true };
    throw new UsageError(
      "builtin-missing",
      `model: must be in this package to be called builtin, got no ${builtinDir}`,
      "Install the package again, or name a checkpoint folder or a server with --model.",
    );
  }
  if (spec.startsWith("hf:")) {
    const repository = spec.slice(3);
    if (!/^[\w.-]+\/[\w.-]+$/.test(repository))
      throw new UsageError("model-invalid", `model: must be hf:org/name, got ${spec}`);
    const dir = await cachedSnapshot(repository);
    if (dir !== null) return { kind: "folder", dir, name: repository, builtin: false };
    throw new UsageError(
      "model-missing",
      `model: must be in the local Hugging Face cache, got no ${repository} there`,
      `Download it first, as with \`hf download ${repository}\`, or name the folder it is in.`,
    );
  }
  const dir = resolve(spec);
  if (!(await isFolder(dir)))
    throw new UsageError(
      "model-missing",
      `model: must be builtin, a checkpoint folder, hf:org/name or http://host:port/v1#name, got ${spec}`,
    );
  return { kind: "folder", dir, name: basename(dir), builtin: dir === builtinDir };
}

/**
 * Opens a model from the words a user names it by; see `locateModel`. A checkpoint's weights are read here, a
 * server is first contacted by `info` or `stream`.
 *
 * @throws UsageError as `locateModel`, or for a folder that holds no checkpoint we can run
 */
export async function openModel(spec: string, options: OpenModelOptions = {}): Promise<ChatModel> {
  const place = await locateModel(spec);
  if (place.kind === "server") {
    const { OpenAIModel } = await import("./openai-model.ts");
    return new OpenAIModel({ ...options, url: place.url, model: place.model });
  }
  const { InProcessModel } = await import("./in-process-model.ts");
  return InProcessModel.open(place.dir, {
    name: place.name,
    builtin: place.builtin,
    device: options.device,
    signal: options.signal,
  });
}
