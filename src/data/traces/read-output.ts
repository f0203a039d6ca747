/** What the model wrote, wherever a log keeps it. */

import { type Fields, firstField, isFields } from "./fields.ts";

/** Names of the field that holds the output; the whole text before what was taken from it. */
export const outputNames = [
  "output",
  "response",
  "completion",
  "model_output",
  "model_response",
  "raw_output",
  "raw_response",
  "generated_text",
  "generation",
  "outputs",
  "responses",
  "completions",
  "prediction",
  "pred",
  "predicted",
  "pred_answer",
  "model_answer",
] as const;

/** One output with why the model stopped, where that is known. */
export interface Output {
  text: string | null;
  finishReason: string | null;
}

const finish = (fields: Fields): string | null => {
  const reason = fields.finish_reason ?? fields.finishReason ?? fields.stop_reason;
  if (typeof reason === "string" && reason !== "") return reason;
  return fields.truncated === true ? "length" : null;
};

const textOf = (content: unknown): string | null => {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return null;
  const parts = content.flatMap((part) =>
    isFields(part) && typeof part.text === "string" ? [part.text] : [],
  );
  return parts.length > 0 ? parts.join("") : null;
};

/** A message of a chat; reasoning that the server keeps apart is put back into its tags. */
function fromMessage(message: Fields): string | null {
  const content = textOf(message.content ?? message.value ?? message.text);
  const reasoning = textOf(message.reasoning_content ?? message.reasoning);
  if (reasoning === null || /<\s*think/i.test(content ?? "")) return content;
  return `<think>${reasoning}</think>${content === null ? "" : `\n${content}`}`;
}

/** The assistant's last turn of a conversation, in either of the two usual forms. */
export function lastTurn(turns: unknown, roles: readonly string[]): string | null {
  if (!Array.isArray(turns)) return null;
  const turn = turns.findLast(
    (item): item is Fields => isFields(item) && roles.includes(String(item.role ?? item.from)),
  );
  return turn === undefined ? null : fromMessage(turn);
}

function fromValue(value: unknown): Output[] {
  if (typeof value === "string") return [{ text: value, finishReason: null }];
  if (typeof value === "number" || typeof value === "boolean")
    return [{ text: String(value), finishReason: null }];
  if (Array.isArray(value)) return value.flatMap(fromValue);
  if (!isFields(value)) return [];
  // A chat completion, as it came or inside the line of a batch file.
  const body = isFields(value.body) ? value.body : value;
  if (Array.isArray(body.choices)) return body.choices.flatMap(fromValue);
  const text = isFields(body.message) ? fromMessage(body.message) : textOf(body.text ?? body.content);
  return text === null ? [] : [{ text, finishReason: finish(body) }];
}

/**
 * The outputs of a row: several where several were sampled. A field that is there and null, as after a failed
 * request, is an output without text. Empty where no field holds one.
 *
 * @param names the fields to look in, the first that is not empty counts
 */
export function readOutputs(fields: Fields, names: readonly string[] = outputNames): Output[] {
  const found = firstField(fields, names);
  if (found === null) {
    const turn = lastTurn(fields.conversations ?? fields.messages, ["gpt", "assistant"]);
    if (turn !== null) return [{ text: turn, finishReason: finish(fields) }];
    if (Array.isArray(fields.choices) && fields.choices.some((c) => isFields(c) && "message" in c))
      return fromValue({ choices: fields.choices });
    return names.some((name) => name in fields) ? [{ text: null, finishReason: finish(fields) }] : [];
  }
  const reasoning = textOf(fields.reasoning_content ?? fields.thinking);
  return fromValue(found.value).map(({ text, finishReason }) => ({
    text:
      reasoning !== null && text !== null && !/<\s*think/i.test(text)
        ? `<think>${reasoning}</think>\n${text}`
        : text,
    finishReason: finishReason ?? finish(fields),
  }));
}
