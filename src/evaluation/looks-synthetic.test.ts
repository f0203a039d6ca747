import { expect, it } from "vitest";
import { Random } from "../base/index.ts";
import type { VideoInfo } from "../video/index.ts";
import { looksSynthetic } from "./looks-synthetic.ts";

const size = 56;
const info = (width: number, height: number) => ({ width, height }) as VideoInfo;
const frame = (data: Uint8Array, index: number) => ({
  index,
  seconds: index / 2,
  width: size,
  height: size,
  data,
});
const ground = () => Uint8Array.from({ length: size * size * 3 }, (_, i) => 60 + (i % 50));

/** Frames in which a square of a quarter of the width crosses the ground. */
function shapes(count: number, noise = 0): ReturnType<typeof frame>[] {
  const random = new Random(1);
  return Array.from({ length: count }, (_, t) => {
    const data = ground();
    for (let y = 10; y < 24; y++)
      for (let x = 0; x < 14; x++) data.set([230, 30, 30], (y * size + ((x + t * 9) % size)) * 3);
    return frame(
      data.map((v) => Math.min(255, Math.max(0, v + random.integer(-noise, noise + 1)))),
      t,
    );
  });
}

it("takes a still ground with moving things for the world, coding noise and all", () => {
  expect(looksSynthetic({ info: info(112, 112), frames: shapes(16) })).toBe(true);
  expect(looksSynthetic({ info: info(112, 112), frames: shapes(16, 6) })).toBe(true);
  expect(looksSynthetic({ info: info(112, 112), frames: shapes(1) })).toBe(true);
});

it("does not where the picture is not square, or all of it moves", () => {
  expect(looksSynthetic({ info: info(320, 240), frames: shapes(16) })).toBe(false);
  const random = new Random(2);
  const footage = Array.from({ length: 16 }, (_, t) =>
    frame(
      Uint8Array.from({ length: size * size * 3 }, () => random.integer(0, 256)),
      t,
    ),
  );
  expect(looksSynthetic({ info: info(112, 112), frames: footage })).toBe(false);
});
