/** What every `ChatModel` must do, whatever runs behind it. */

import { performance } from "node:perf_hooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ChatMessage, type ChatModel, complete, type VideoInput } from "../src/models/index.ts";

/** A model under test with a video to ask it about. */
export interface Subject {
  model: ChatModel;
  video: VideoInput;
  close(): Promise<void>;
}

/** Describes the contract for one runtime. */
export function describeChatModel(name: string, open: () => Promise<Subject>): void {
  describe(`ChatModel: ${name}`, () => {
    let subject: Subject;
    let messages: ChatMessage[];
    beforeAll(async () => {
      subject = await open();
      messages = [
        { role: "system", content: "You are a helpful assistant." },
        {
          role: "user",
          content: [
            { type: "video", video: subject.video },
            { type: "text", text: "What is seen?" },
          ],
        },
      ];
    });
    afterAll(() => subject?.close());
    const ask = (options: Parameters<typeof complete>[2] = {}) =>
      complete(subject.model, messages, { maxTokens: 12, ...options });

    it("says what it is and how it wants its frames", async () => {
      const info = await subject.model.info();
      expect(info.name).not.toBe("");
      expect(info.sampling.fps).toBeGreaterThan(0);
      expect(info.sampling.maxFrames).toBeGreaterThanOrEqual(info.sampling.minFrames);
    });

    it("streams pieces that make up the reply, and ends once", async () => {
      const pieces: string[] = [];
      let ends = 0;
      for await (const event of subject.model.stream(messages, { maxTokens: 12 })) {
        expect(ends).toBe(0);
        if (event.type === "end") ends++;
        else pieces.push(event.text);
      }
      expect(ends).toBe(1);
      expect(pieces.join("")).toBe((await ask()).text);
      expect(pieces.length).toBeGreaterThan(1);
    });

    it("counts frames and tokens, and takes time", async () => {
      const { usage, timing, finishReason } = await ask();
      expect(usage.frames).toBe(subject.video.frames.length);
      expect(usage.completionTokens).toBe(12);
      expect(usage.promptTokens).toBeGreaterThan(usage.videoTokens ?? 0);
      expect(finishReason).toBe("length");
      expect(timing.prefillSeconds).toBeGreaterThan(0);
      expect(timing.generateSeconds).toBeGreaterThanOrEqual(0);
      expect(timing.queueSeconds).toBeGreaterThanOrEqual(0);
    });

    it("looks at the video: other frames, another reply", async () => {
      const frames = subject.video.frames.map((frame) => ({
        ...frame,
        data: frame.data.map((v) => 255 - v),
      }));
      const { path: _, ...video } = { ...subject.video, frames };
      const other: ChatMessage[] = [
        messages[0] as ChatMessage,
        {
          role: "user",
          content: [
            { type: "video", video },
            { type: "text", text: "What is seen?" },
          ],
        },
      ];
      const seen = await complete(subject.model, other, { maxTokens: 24 });
      expect(seen.text).not.toBe((await ask({ maxTokens: 24 })).text);
    });

    it("answers without a video", async () => {
      const { usage, text } = await complete(subject.model, [{ role: "user", content: "Hello." }], {
        maxTokens: 8,
      });
      expect(usage.frames).toBe(0);
      expect(text).not.toBe("");
    });

    it("samples by seed", async () => {
      const draw = async (seed: number) => (await ask({ temperature: 1.5, seed })).text;
      expect(await draw(1)).toBe(await draw(1));
      expect(await draw(1)).not.toBe(await draw(2));
    });

    it("is greedy at temperature 0, and where only the likeliest token is left", async () => {
      const { text } = await ask({ seed: 3 });
      expect((await ask({ temperature: 1, topK: 1, seed: 4 })).text).toBe(text);
      expect((await ask({ temperature: 1, topP: 1e-6, seed: 5 })).text).toBe(text);
    });

    it("stops before a stop text", async () => {
      const whole = (await ask()).text;
      const stop = whole.slice(4, 6);
      const reply = await ask({ stop: [stop] });
      expect(reply.text).toBe(whole.slice(0, whole.indexOf(stop)));
      expect(reply.finishReason).toBe("stop");
    });

    it("ends at once when aborted, before and during the reply, with the signal's reason", async () => {
      await expect(ask({ signal: AbortSignal.abort(new Error("never mind")) })).rejects.toThrow("never mind");
      const stop = new AbortController();
      const reply = ask({
        maxTokens: 1500,
        signal: stop.signal,
        onText: () => stop.abort(new Error("enough")),
      });
      await expect(reply).rejects.toThrow("enough");
      expect((await ask()).usage.completionTokens).toBe(12);
    });

    it("goes on after a reader who left early", async () => {
      for await (const event of subject.model.stream(messages, { maxTokens: 1500 }))
        if (event.type === "text") break;
      expect((await ask()).usage.completionTokens).toBe(12);
    });

    it("serves several at once, each as if alone", async () => {
      const alone = (await ask()).text;
      const replies = await Promise.all([1, 2, 3, 4].map(() => ask()));
      expect(replies.map((r) => r.text)).toEqual([alone, alone, alone, alone]);
    });

    it.each([
      ["maxTokens: must be an integer of at least 1, got 0", { maxTokens: 0 }],
      ["temperature: must be from 0 to 2, got -1", { temperature: -1 }],
      ["topP: must be above 0 and at most 1, got 0", { topP: 0 }],
      ["topK: must be an integer of at least 0, got 0.5", { topK: 0.5 }],
      ["seed: must be an integer of at least 0, got -1", { seed: -1 }],
      ["stop: must not contain an empty text", { stop: [""] }],
    ])("refuses: %s", async (message, options) => {
      await expect(ask(options)).rejects.toThrow(message);
    });

    it("refuses conversations without a question, and frames that do not fit", async () => {
      await expect(complete(subject.model, [])).rejects.toThrow("at least one message");
      await expect(complete(subject.model, [{ role: "assistant", content: "x" }])).rejects.toThrow(
        "must end with one of the user",
      );
      const video = { frames: [], sampleFps: 2 };
      await expect(
        complete(subject.model, [{ role: "user", content: [{ type: "video", video }] }]),
      ).rejects.toThrow("at least one frame");
    });

    it("keeps the event loop free while it works", async () => {
      const before = performance.eventLoopUtilization();
      await ask({ maxTokens: 200 });
      // 1 if the model ran in this thread; what it takes to send and serve frames does run here.
      expect(performance.eventLoopUtilization(before).utilization).toBeLessThan(0.95);
    });
  });
}
