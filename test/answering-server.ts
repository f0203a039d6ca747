/** A server that speaks OpenAI's protocol over HTTP and answers every question at once, the same one always alike. */

import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A running server. */
export interface AnsweringServer {
  /** Up to and with `/v1`. */
  url: string;
  /** Questions answered. */
  requests: () => number;
  /** Pictures and videos in all of them. */
  pictures: () => number;
  close: () => Promise<void>;
}

interface Part {
  type: string;
  text?: string;
}

/**
 * Starts a server.
 *
 * @param answer the text to reply with; default a trace whose answer is a letter that the prompt's hash picks
 * @param delay milliseconds before each reply
 */
export async function startAnsweringServer(
  answer: (prompt: string) => string | null = letterOf,
  delay = 0,
): Promise<AnsweringServer> {
  let requests = 0;
  let pictures = 0;
  const server: Server = createServer((request, response) => {
    if (request.url?.endsWith("/models")) {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ object: "list", data: [{ id: "answering", object: "model" }] }));
      return;
    }
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { messages } = JSON.parse(Buffer.concat(chunks).toString()) as {
        messages: { role: string; content: string | Part[] }[];
      };
      const parts = messages.flatMap(({ content }) =>
        typeof content === "string" ? [{ type: "text", text: content }] : content,
      );
      requests++;
      pictures += parts.filter(({ type }) => type !== "text").length;
      const text = answer(parts.map((part) => part.text ?? "").join("\n"));
      setTimeout(() => {
        if (text === null) {
          response.statusCode = 400;
          response.end(JSON.stringify({ error: { message: "no" } }));
          return;
        }
        response.setHeader("content-type", "text/event-stream");
        const chunk = (delta: object, finish: string | null) =>
          `data: ${JSON.stringify({ id: "x", object: "chat.completion.chunk", created: 0, model: "answering", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
        response.end(
          `${chunk({ role: "assistant", content: text }, null)}${chunk({}, "stop")}data: [DONE]\n\n`,
        );
      }, delay);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests: () => requests,
    pictures: () => pictures,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function letterOf(prompt: string): string {
  const letter = "ABCD"[(createHash("sha256").update(prompt).digest()[0] as number) % 4];
  return `<think>At 00:01 something is seen. So the answer is ${letter}.</think><answer>${letter}</answer>`;
}
