import { expect, it } from "vitest";
import type { ChatMessage } from "./chat-model.ts";
import { chatBody } from "./openai-messages.ts";

const frame = (seconds: number) => ({
  seconds,
  width: 28,
  height: 28,
  data: new Uint8Array(28 * 28 * 3).fill(seconds),
});

it("writes the protocol's JSON, whatever is in a message", async () => {
  const frames = [frame(0.5), frame(61)];
  const messages: ChatMessage[] = [
    { role: "system", content: 'Grüß "dich"\n\\' },
    { role: "user", content: [] },
    {
      role: "user",
      content: [
        { type: "video", video: { frames, sampleFps: 1 } },
        { type: "text", text: "a }],\u2028 b" },
      ],
    },
  ];
  const body = JSON.parse((await chatBody(messages, "frames", { model: "m", stop: ["]"] })).toString());
  const picture = {
    type: "image_url",
    image_url: { url: expect.stringMatching(/^data:image\/jpeg;base64,\/9j\//) },
  };
  expect(body).toEqual({
    messages: [
      messages[0],
      messages[1],
      {
        role: "user",
        content: [
          { type: "text", text: "[00:00.5]" },
          picture,
          { type: "text", text: "[01:01.0]" },
          picture,
          { type: "text", text: "a }],\u2028 b" },
        ],
      },
    ],
    model: "m",
    stop: ["]"],
  });
});

it("encodes a video for its first question only", async () => {
  const frames = [frame(3)];
  const ask = async (text: string): Promise<string> => {
    const video = { type: "video" as const, video: { frames, sampleFps: 1 } };
    const body = await chatBody([{ role: "user", content: [video, { type: "text", text }] }], "frames", {
      n: 1,
    });
    return body.toString();
  };
  const first = await ask("one");
  // Were it encoded again, this would be seen.
  frames[0]?.data.fill(255);
  expect(await ask("two")).toBe(first.replace("one", "two"));
});
