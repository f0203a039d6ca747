import fc from "fast-check";
import { expect, it } from "vitest";
import { formatInterval, formatTimestamp, parseTimestamp } from "./timestamp.ts";

it.each([
  ["01:45", 105],
  ["1:45", 105],
  ["00:01:45.5", 105.5],
  ["00:01:45,250", 105.25],
  ["1:02:03", 3723],
  ["75:30", 4530],
  ["12.5 s", 12.5],
  ["12 seconds", 12],
  ["1m30s", 90],
  ["1 minute and 30 seconds", 90],
  ["2 min", 120],
  ["1 h 2 min 3 s", 3723],
  ["16", 16],
])("reads %s as %d seconds", (text, seconds) => {
  expect(parseTimestamp(text)).toBe(seconds);
});

it.each(["", "soon", "1:75", "1:99:00", "12:5", "1:2:3:4", "-5", "5 m/s", "s"])(
  "reads no time in %j",
  (text) => {
    expect(parseTimestamp(text)).toBeNull();
  },
);

it("writes the second that the frame shows", () => {
  expect([0, 9.99, 61, 3599.9, 3661, -2].map(formatTimestamp)).toEqual([
    "00:00",
    "00:09",
    "01:01",
    "59:59",
    "1:01:01",
    "00:00",
  ]);
  expect([formatInterval(3.2, 3.9), formatInterval(3, 65)]).toEqual(["00:03", "00:03-01:05"]);
});

it("reads back what it writes", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 360_000 }), (s) => parseTimestamp(formatTimestamp(s)) === s),
  );
});
