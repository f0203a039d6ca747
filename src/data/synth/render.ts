/** Draws a scene as RGB frames: plain rasterisation with antialiased edges, the same bits on every machine. */

import { glyphHeight, glyphWidth, inkAt } from "./glyphs.ts";
import {
  type Background,
  colourAt,
  type Entity,
  positionAt,
  type Scene,
  sceneSize,
  visibleAt,
} from "./scene.ts";
import { shapeDistance } from "./shape-distance.ts";
import { type Colour, colours, type Shape, shapeNames } from "./vocabulary.ts";

/** Text is drawn at four scene units a glyph pixel. */
const glyphScale = 4;

/**
 * The frames of a scene in order, `durationSeconds * fps` of them, each at its time `startSeconds + index / fps`. A frame in which
 * nothing has changed is the same array as the one before it.
 *
 * @param size width and height in pixels
 * @param fps frames per second
 */
export function* renderScene(scene: Scene, size: number, fps: number): Generator<Uint8Array> {
  const background = paintBackground(scene.background, size);
  let lastKey: string | null = null;
  let frame = background;
  const count = Math.round(scene.durationSeconds * fps);
  for (let index = 0; index < count; index++) {
    const seconds = scene.startSeconds + index / fps;
    const things = visibleAt(scene, seconds).flatMap((entity) =>
      entity.paths.map((path) => ({
        entity,
        colour: colourAt(entity, seconds),
        ...positionAt(path, seconds),
      })),
    );
    const key = JSON.stringify(things.map(({ entity, colour, x, y }) => [entity.form, colour, x, y]));
    if (key !== lastKey) {
      frame = background.slice();
      for (const { entity, colour, x, y } of things)
        drawEntity(frame, size, entity, paintOf(entity, colour, x, y), x, y);
      lastKey = key;
    }
    yield frame;
  }
}

/** The colour at a point (scene units), as RGB in 0..255. */
type Paint = (x: number, y: number) => Rgb;
type Rgb = readonly [number, number, number];

function paintOf({ blend, kind, form, radius }: Entity, colour: Colour, x: number, y: number): Paint {
  const first: Rgb = colours[colour];
  if (blend === undefined) return () => first;
  const second: Rgb = colours[blend.colour];
  const half = kind === "word" ? (form.length * (glyphWidth + 1) * glyphScale) / 2 : radius;
  return (px, py) => {
    const along = ((px - x) * blend.dx + (py - y) * blend.dy) / (2 * half);
    const share = Math.min(1, Math.max(0, 0.5 + along));
    return [0, 1, 2].map((c) => (first[c] ?? 0) + share * ((second[c] ?? 0) - (first[c] ?? 0))) as [
      number,
      number,
      number,
    ];
  };
}

function drawEntity(frame: Uint8Array, size: number, entity: Entity, rgb: Paint, x: number, y: number): void {
  const unit = size / sceneSize;
  if (isShape(entity.form)) {
    const { form, radius } = entity;
    const reach = radius * 1.1 + 1;
    paint(frame, size, rgb, [x - reach, y - reach, x + reach, y + reach], (px, py) => {
      // The outline's distance in pixels: half a pixel either side of it fades.
      const distance = shapeDistance(form, (px - x) / radius, (py - y) / radius) * radius * unit;
      return Math.min(1, Math.max(0, 0.5 - distance));
    });
    return;
  }
  const text = entity.form;
  const width = (text.length * (glyphWidth + 1) - 1) * glyphScale;
  const height = glyphHeight * glyphScale;
  const left = x - width / 2;
  const top = y - height / 2;
  const step = 1 / (3 * unit);
  paint(frame, size, rgb, [left - 1, top - 1, left + width + 1, top + height + 1], (px, py) => {
    let ink = 0;
    for (let i = -1; i <= 1; i++)
      for (let j = -1; j <= 1; j++)
        if (inkAt(text, (px + i * step - left) / glyphScale, (py + j * step - top) / glyphScale)) ink++;
    return ink / 9;
  });
}

/** Blends a colour over the pixels of a box (scene units) by how much of each is covered. */
function paint(
  frame: Uint8Array,
  size: number,
  colourOf: Paint,
  [left, top, right, bottom]: readonly [number, number, number, number],
  coverage: (x: number, y: number) => number,
): void {
  const unit = size / sceneSize;
  const clamp = (value: number): number => Math.min(size, Math.max(0, value));
  const [x0, x1] = [clamp(Math.floor(left * unit)), clamp(Math.ceil(right * unit))];
  const [y0, y1] = [clamp(Math.floor(top * unit)), clamp(Math.ceil(bottom * unit))];
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const share = coverage((x + 0.5) / unit, (y + 0.5) / unit);
      if (share === 0) continue;
      const rgb = colourOf((x + 0.5) / unit, (y + 0.5) / unit);
      const at = (y * size + x) * 3;
      for (let c = 0; c < 3; c++) {
        const below = frame[at + c] ?? 0;
        frame[at + c] = Math.round(below + share * ((rgb[c] ?? 0) - below));
      }
    }
  }
}

function paintBackground(background: Background, size: number): Uint8Array {
  const frame = new Uint8Array(size * size * 3);
  const unit = size / sceneSize;
  for (let y = 0; y < size; y++) {
    const share = size > 1 ? y / (size - 1) : 0;
    for (let x = 0; x < size; x++) {
      const column = Math.floor(x / unit / background.period);
      const row = Math.floor(y / unit / background.period);
      const lifted =
        background.pattern === "checks"
          ? (column + row) % 2 === 1
          : background.pattern === "stripes" && column % 2 === 1;
      for (let c = 0; c < 3; c++) {
        const top = background.top[c] ?? 0;
        const bottom = background.bottom[c] ?? 0;
        frame[(y * size + x) * 3 + c] = Math.round(
          top + share * (bottom - top) + (lifted ? background.contrast : 0),
        );
      }
    }
  }
  return frame;
}

function isShape(form: string): form is Shape {
  return (shapeNames as readonly string[]).includes(form);
}
