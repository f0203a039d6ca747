import fc from "fast-check";
import { expect, it } from "vitest";
import { StopScanner } from "./generate-stop.ts";

it("holds back what may begin a stop string, and no more", () => {
  const scanner = new StopScanner(["</answer>"]);
  expect(["A</", "an", "x", "<", "/answer>B"].map((piece) => scanner.push(piece))).toEqual([
    "A",
    "",
    "</anx",
    "",
    "",
  ]);
  expect(scanner.stopped).toBe(true);
  expect(scanner.push("more") + scanner.end()).toBe("");
});

it("gives out what it held once the text ends", () => {
  const scanner = new StopScanner(["END"]);
  expect(scanner.push("an EN")).toBe("an ");
  expect(scanner.end()).toBe("EN");
});

it("ends the text before the first stop string, however the text is cut", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 12 });
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 8 }), fc.array(letters, { maxLength: 3 }), (pieces, stops) => {
      const scanner = new StopScanner(stops);
      const shown = pieces.map((piece) => scanner.push(piece)).join("") + scanner.end();
      const whole = pieces.join("");
      const ends = stops.flatMap((stop) =>
        stop !== "" && whole.includes(stop) ? [whole.indexOf(stop)] : [],
      );
      if (ends.length === 0) expect(shown).toBe(whole);
      // A longer stop string may begin earlier than one that was complete first.
      else {
        expect(whole.startsWith(shown)).toBe(true);
        expect(stops.filter((stop) => stop !== "").every((stop) => !shown.includes(stop))).toBe(true);
        expect(scanner.stopped).toBe(true);
      }
    }),
  );
});
