import { expect, it } from "vitest";
import { sha256 } from "../../base/index.ts";
import { hasGlyph } from "./glyphs.ts";
import { planVideo } from "./plan-video.ts";
import { renderScene } from "./render.ts";
import { screenDigits, screenWords } from "./vocabulary.ts";

it("draws every character that the world writes", () => {
  for (const text of [...screenWords, ...screenDigits])
    for (const character of text) expect(hasGlyph(character), character).toBe(true);
});

it("draws the same bits everywhere: a recorded hash", () => {
  const { scene } = planVideo({ seed: 4, split: "train", lengths: [8], levels: [3] }, 2);
  const frames = [...renderScene(scene, 112, 8)];
  expect(frames).toHaveLength(64);
  const all = new Uint8Array(frames.length * frames[0]!.length);
  frames.forEach((frame, i) => {
    all.set(frame, i * frame.length);
  });
  expect(sha256(all)).toMatchInlineSnapshot(
    `"13d56638b5fd7a995b53394386929aad292c1f80b2b46685fa49fa8cd3e12746"`,
  );
});

it("draws the same picture at every size", () => {
  const { scene } = planVideo({ seed: 4, split: "train", lengths: [8], levels: [2] }, 5);
  const small = [...renderScene(scene, 112, 4)];
  const large = [...renderScene(scene, 224, 4)];
  let worst = 0;
  for (const [i, frame] of small.entries()) {
    const other = large[i];
    let sum = 0;
    for (let y = 0; y < 112; y++)
      for (let x = 0; x < 112; x++)
        for (let c = 0; c < 3; c++) {
          const four = [0, 1].flatMap((dy) =>
            [0, 1].map((dx) => other?.[((2 * y + dy) * 224 + 2 * x + dx) * 3 + c] ?? 0),
          );
          sum += Math.abs(four.reduce((a, b) => a + b, 0) / 4 - (frame[(y * 112 + x) * 3 + c] ?? 0));
        }
    worst = Math.max(worst, sum / frame.length);
  }
  // Averaging the large picture gives the small one up to antialiasing at the outlines.
  expect(worst).toBeLessThan(1);
});
