/**
 * Chat messages to the model's prompt. The template is the checkpoint's own Jinja template; a checkpoint without
 * one gets ours, in ChatML with Qwen's vision placeholders. What users write can never become a special token.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Template } from "@huggingface/jinja";
import { messageOf, UsageError } from "../base/index.ts";

/** A piece of a message as templates see it: text, or the place of a video or image. */
export type TemplatePart = { type: "text"; text: string } | { type: "video" } | { type: "image" };

/** A message as templates see it. */
export interface TemplateMessage {
  role: "system" | "user" | "assistant";
  content: string | readonly TemplatePart[];
}

/** The template of checkpoints made here: ChatML, a default system message, one placeholder for each video or image. */
export const DEFAULT_CHAT_TEMPLATE = `{%- if messages[0].role != 'system' -%}
{{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' -}}
{%- endif -%}
{%- for message in messages -%}
{{- '<|im_start|>' + message.role + '\\n' -}}
{%- if message.content is string -%}
{{- message.content -}}
{%- else -%}
{%- for part in message.content -%}
{%- if part.type == 'text' -%}
{{- part.text -}}
{%- else -%}
{{- '<|vision_start|>' + ('<|video_pad|>' if part.type == 'video' else '<|image_pad|>') + '<|vision_end|>' -}}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
{{- '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|im_start|>assistant\\n' -}}
{%- endif -%}
`;

/** A compiled chat template. */
export class ChatTemplate {
  readonly #template: Template;
  readonly #special: readonly string[];
  /** The template's source. */
  readonly source: string;

  /**
   * @param source Jinja; default ours
   * @param specialTokens tokens that the text of messages must not contain
   * @throws UsageError `chat-template` if the source does not parse
   */
  constructor(source: string = DEFAULT_CHAT_TEMPLATE, specialTokens: Iterable<string> = []) {
    this.source = source;
    this.#special = [...specialTokens];
    try {
      this.#template = new Template(source);
    } catch (cause) {
      throw new UsageError(
        "chat-template",
        `chat template: must be Jinja, got ${messageOf(cause)}`,
        undefined,
        { cause },
      );
    }
  }

  /**
   * Reads a checkpoint's template: `chat_template.jinja`, else `chat_template.json`, else `chat_template` in
   * `tokenizer_config.json` (of several named ones `default`), else `DEFAULT_CHAT_TEMPLATE`.
   */
  static async load(dir: string, specialTokens: Iterable<string> = []): Promise<ChatTemplate> {
    const source =
      (await readFile(join(dir, "chat_template.jinja"), "utf8").catch(() => undefined)) ??
      (await templateIn(join(dir, "chat_template.json"))) ??
      (await templateIn(join(dir, "tokenizer_config.json"))) ??
      DEFAULT_CHAT_TEMPLATE;
    return new ChatTemplate(source, specialTokens);
  }

  /**
   * The prompt of a conversation as text.
   *
   * @param options `addGenerationPrompt`: end where the assistant's answer begins; default true
   * @throws UsageError `message-special-token` if a message's text contains a special token, `chat-template` if
   *   the template refuses the messages
   */
  render(messages: readonly TemplateMessage[], options: { addGenerationPrompt?: boolean } = {}): string {
    for (const message of messages) {
      const parts =
        typeof message.content === "string"
          ? [message.content]
          : message.content.flatMap((part) => (part.type === "text" ? [part.text] : []));
      for (const text of parts) this.checkText(text, message.role);
    }
    try {
      return this.#template.render({
        messages,
        add_generation_prompt: options.addGenerationPrompt ?? true,
        add_vision_id: false,
      });
    } catch (cause) {
      throw new UsageError(
        "chat-template",
        `chat template: must take the messages, got ${messageOf(cause)}`,
        undefined,
        {
          cause,
        },
      );
    }
  }

  /** Checks a message's text. @throws UsageError `message-special-token` if it contains a special token */
  checkText(text: string, role: string): void {
    const found = this.#special.find((token) => text.includes(token));
    if (found !== undefined)
      throw new UsageError(
        "message-special-token",
        `the ${role} message: must not contain special tokens, got ${found}`,
        "Special tokens mark where messages and videos begin and end; remove it from the text.",
      );
  }
}

/**
 * Replaces each token `placeholder` by as many as its video or image has: t * h * w / mergeSize^2.
 *
 * @throws UsageError `video-placeholders` if there are more or fewer placeholders than counts
 */
export function expandPlaceholders(
  ids: readonly number[],
  placeholder: number,
  counts: readonly number[],
): number[] {
  const found = ids.filter((id) => id === placeholder).length;
  if (found !== counts.length)
    throw new UsageError(
      "video-placeholders",
      `chat template: must place each of the ${counts.length} videos once, got ${found} placeholders`,
    );
  const result: number[] = [];
  let next = 0;
  for (const id of ids) {
    const times = id === placeholder ? (counts[next++] as number) : 1;
    for (let i = 0; i < times; i++) result.push(id);
  }
  return result;
}

async function templateIn(path: string): Promise<string | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = (JSON.parse(text) as { chat_template?: unknown }).chat_template;
  } catch (cause) {
    throw new UsageError("chat-template", `${path}: must be JSON, got ${messageOf(cause)}`, undefined, {
      cause,
    });
  }
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return undefined;
  const named = value as { name?: unknown; template?: unknown }[];
  const chosen = named.find((entry) => entry.name === "default") ?? named[0];
  return typeof chosen?.template === "string" ? chosen.template : undefined;
}
