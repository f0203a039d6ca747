import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { flattenCues, formatSrt, parseSubtitles, plainText } from "./subtitles.ts";

describe("parseSubtitles", () => {
  it("reads SRT with byte order mark, CRLF, markup, a missing number and a missing blank line", () => {
    const srt =
      "\uFEFF1\r\n00:00:01,000 --> 00:00:04,5\r\n<i>Hello</i> {\\an8}there\r\nsecond line\r\n2\r\n00:00:05,000 --> 00:00:06,000\r\nBye &amp; thanks\r\n\r\n01:00:00.250 --> 01:00:01.000 X1:40\r\nno number\r\n";
    expect(parseSubtitles(srt)).toEqual([
      { startSeconds: 1, endSeconds: 4.5, text: "Hello there\nsecond line" },
      { startSeconds: 5, endSeconds: 6, text: "Bye & thanks" },
      { startSeconds: 3600.25, endSeconds: 3601, text: "no number" },
    ]);
  });

  it("reads WebVTT with short times, settings, notes and voices", () => {
    const vtt =
      "WEBVTT - title\n\nNOTE a comment\n\nintro\n00:01.000 --> 00:02.000 align:start\n<v Ann>Hi <00:01.500><c.loud>you</c>\n\n00:03.000 --> 00:02.000\nbackwards\n";
    expect(parseSubtitles(vtt)).toEqual([{ startSeconds: 1, endSeconds: 2, text: "Hi you" }]);
  });

  it("accepts an empty file and refuses a text that is not subtitles", () => {
    expect(parseSubtitles("")).toEqual([]);
    expect(parseSubtitles("WEBVTT\n")).toEqual([]);
    expect(() => parseSubtitles("dear diary")).toThrow(/must be SRT or WebVTT/);
  });

  it("reads what formatSrt wrote", () => {
    const cue = fc
      .record({
        start: fc.integer({ min: 0, max: 10_000_000 }),
        length: fc.integer({ min: 1, max: 10_000 }),
        text: fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9 ,.!?]{0,30}[a-z]$/),
      })
      .map(({ start, length, text }) => ({
        startSeconds: start / 1000,
        endSeconds: (start + length) / 1000,
        text,
      }));
    fc.assert(
      fc.property(fc.array(cue, { minLength: 1, maxLength: 8 }), (cues) => {
        const sorted = [...cues].sort((a, b) => a.startSeconds - b.startSeconds);
        const read = parseSubtitles(formatSrt(sorted));
        expect(read.map((c) => c.text)).toEqual(sorted.map((c) => c.text));
        read.forEach((c, i) => {
          expect(c.startSeconds).toBeCloseTo(sorted[i]?.startSeconds ?? -1, 6);
          expect(c.endSeconds).toBeCloseTo(sorted[i]?.endSeconds ?? -1, 6);
        });
      }),
    );
  });

  it("never throws anything but its own error on any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        try {
          parseSubtitles(text);
        } catch (error) {
          expect((error as Error).name).toBe("UsageError");
        }
      }),
    );
  });
});

describe("flattenCues", () => {
  it("stacks texts where cues overlap", () => {
    const cues = [
      { startSeconds: 1, endSeconds: 3, text: "a" },
      { startSeconds: 2, endSeconds: 4, text: "b" },
      { startSeconds: 6, endSeconds: 7, text: "c" },
    ];
    expect(flattenCues(cues)).toEqual([
      { startSeconds: 1, endSeconds: 2, text: "a" },
      { startSeconds: 2, endSeconds: 3, text: "a\nb" },
      { startSeconds: 3, endSeconds: 4, text: "b" },
      { startSeconds: 6, endSeconds: 7, text: "c" },
    ]);
  });
});

describe("plainText", () => {
  it("keeps what only looks like markup", () => {
    expect(plainText("1 < 2 and {curly}")).toBe("1 < 2 and {curly}");
    expect(plainText("&lt;b&gt;")).toBe("<b>");
  });
});
