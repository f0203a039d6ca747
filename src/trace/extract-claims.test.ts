import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { extractClaims } from "./extract-claims.ts";
import { formatTimestamp } from "./timestamp.ts";

const shown = (text: string, durationSeconds?: number) =>
  extractClaims(text, { durationSeconds }).map((c) =>
    c.startSeconds === c.endSeconds
      ? `${c.startSeconds}: ${c.text}`
      : `${c.startSeconds}-${c.endSeconds}: ${c.text}`,
  );

describe("ways to tell a time", () => {
  it.each([
    ["At 01:45 a red circle appears.", "105: a red circle appears"],
    ["A red circle appears at 00:01:45.5.", "105.5: A red circle appears"],
    ["Between 0:42 and 0:45, the dog jumps over the fence.", "42-45: the dog jumps over the fence"],
    ["From 00:03 to 00:07 the square moves right.", "3-7: the square moves right"],
    ["00:03 – 00:07: the square moves", "3-7: the square moves"],
    ["At the 16-second mark, a man waves.", "16: a man waves"],
    ["A bell rings at 12.5 s.", "12.5: A bell rings"],
    ["At around 2 minutes 5 seconds into the video, it rains.", "125: it rains"],
    ["At 1m30s the cat leaves.", "90: the cat leaves"],
    ["From 12 to 14 seconds the ball rolls.", "12-14: the ball rolls"],
    ["- 12-14s: the ball rolls", "12-14: the ball rolls"],
    ["At second 12 the light turns green.", "12: the light turns green"],
    ["12 seconds in, a car passes by.", "12: a car passes by"],
    ["A bell rings (0:05).", "5: A bell rings"],
    ["[00:05] A dog runs.", "5: A dog runs"],
    ["**00:05**\nA dog runs.", "5: A dog runs"],
    ["1. 00:05: A dog runs", "5: A dog runs"],
    ["It is gone by 00:09.", "9: It is gone"],
    ["The model at 2:50, which has rings, is new.", "170: The model, which has rings, is new"],
  ])("%s", (text, claim) => {
    expect(shown(text)).toEqual([claim]);
  });
});

describe("what is no time of the video", () => {
  it.each([
    "A ball hits the ground after 5 seconds.",
    "It lasts around 8 seconds.",
    "The clock on the wall shows 12:00 PM.",
    "It was built in the 1980s.",
    "The car drives at 8 m/s for 8 seconds.",
    "The ratio is 4:3 and the verse is 3:16:5:2.",
    "The question asks what happens at 0:05.",
    "Let's see what happens between 4:05 and 6:00 in the video.",
    "B. Between 1 and 2 s",
    "At 0:05.",
    "So the answer is (C) 00:11.",
    "The correct answer is 00:11.",
  ])("%s", (text) => {
    expect(shown(text)).toEqual([]);
  });
});

describe("several times in one sentence", () => {
  it.each([
    [
      "At 0:05 a red circle appears, and at 0:10 a blue square leaves.",
      "5: a red circle appears",
      "10: a blue square leaves",
    ],
    [
      "A red circle appears at 0:05 and a blue square leaves at 0:10.",
      "5: A red circle appears",
      "10: a blue square leaves",
    ],
    [
      "At 0:05 the ball appears and the square leaves at 0:10.",
      "5: the ball appears",
      "10: the square leaves",
    ],
    ["The ball appears at 0:05, then at 0:10 it leaves.", "5: The ball appears", "10: it leaves"],
    [
      "A dog appears at 0:05, a cat leaves at 0:10, and a bird enters at 0:15.",
      "5: A dog appears",
      "10: a cat leaves",
      "15: a bird enters",
    ],
    ["At 0:05, 0:10 and 0:20 the dog barks.", "5: the dog barks", "10: the dog barks", "20: the dog barks"],
    ["At 00:03 and again at 00:07 a bell rings.", "3: a bell rings", "7: a bell rings"],
    [
      "00:02 red appears; 00:04 blue appears; 00:08 both leave.",
      "2: red appears",
      "4: blue appears",
      "8: both leave",
    ],
  ])("%s", (text, ...claims) => {
    expect(shown(text)).toEqual(claims);
  });
});

it("uses the length of the video", () => {
  expect(shown("The text is visible from 00:10 to the end.", 30)).toEqual(["10-30: The text is visible"]);
  expect(shown("The text is visible from 00:10 to the end.")).toEqual(["10: The text is visible"]);
  expect(shown("At 00:12:10 a dog barks.", 60)).toEqual(["12: a dog barks"]);
});

it("keeps one of exact repetitions, and both of different words", () => {
  expect(shown("At 0:05 a dog barks. At 00:05 A dog barks. At 0:05 a cat sleeps.")).toEqual([
    "5: a dog barks",
    "5: a cat sleeps",
  ]);
});

const event = fc.constantFrom(
  "a red circle appears on the left",
  "the blue square starts to move",
  "the word HELLO is shown",
  "two triangles collide",
);
const wording = fc.constantFrom(
  (t: string, e: string) => `At ${t} ${e}.`,
  (t: string, e: string) => `At ${t}, ${e}.`,
  (t: string, e: string) => `Then ${e} at ${t}.`,
  (t: string, e: string) => `At around ${t}, ${e}.`,
  (t: string, e: string) => `- ${t}: ${e}`,
  (t: string, e: string) => `[${t}] ${e}.`,
  (t: string, e: string) => `I see that at the ${t} mark ${e}.`,
);

it("finds every time and every event of a made-up reasoning, in order", () => {
  const said = fc.record({ seconds: fc.integer({ min: 0, max: 3599 }), event, wording });
  fc.assert(
    fc.property(fc.uniqueArray(said, { selector: (s) => s.seconds, maxLength: 6 }), (events) => {
      const text = events
        .map(({ seconds, event: e, wording: w }) => {
          const sentence = w(formatTimestamp(seconds), e);
          return sentence.startsWith("-")
            ? `\n${sentence}\n`
            : sentence[0]?.toUpperCase() + sentence.slice(1);
        })
        .join(" ");
      const claims = extractClaims(text);
      expect(claims.map((c) => c.startSeconds)).toEqual(events.map((e) => e.seconds));
      claims.forEach((c, i) => {
        expect(c.text.toLowerCase()).toContain((events[i]?.event ?? "?").toLowerCase());
        expect(c.text).not.toMatch(/\d\d:\d\d|\bmark\b/);
      });
    }),
  );
});

it("never throws, never ends before it starts, and always says something", () => {
  const piece = fc.constantFrom(
    "at ",
    "0:05",
    "12 s",
    " to ",
    " and ",
    "between ",
    "-",
    ". A",
    "\n",
    "(",
    ")",
    ", ",
    "x ",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece).map((p) => p.join("")),
      ),
      (text) => {
        for (const c of extractClaims(text)) {
          expect(c.endSeconds).toBeGreaterThanOrEqual(c.startSeconds);
          expect(c.text.trim()).not.toBe("");
        }
      },
    ),
    { numRuns: 500 },
  );
});
