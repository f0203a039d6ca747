/** Rendered text as pictures with transparency, cached: the same text is drawn once and blended many times. */

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { SKRSContext2D } from "@napi-rs/canvas";
import { UsageError } from "../base/index.ts";

/** A picture to lay over a frame. */
export interface TextLayer {
  /** Left edge in the frame, in pixels. */
  readonly x: number;
  /** Top edge in the frame, in pixels. */
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** RGBA, not premultiplied, `width * height * 4` bytes. */
  readonly data: Uint8ClampedArray;
}

/** What is drawn on a layer. */
export interface LayerPlan {
  /** Identifies text, size and colours; layers with the same key are the same. */
  readonly key: string;
  /** Size in pixels. */
  readonly fontSize: number;
  readonly font: string | undefined;
  /** Measures, then says where the layer lies and how to draw on it (the origin is the layer's corner). */
  plan(context: SKRSContext2D): {
    x: number;
    y: number;
    width: number;
    height: number;
    draw(context: SKRSContext2D): void;
  };
}

type Canvas = typeof import("@napi-rs/canvas");

/** The font shipped with the package, DejaVu Sans: Latin, Greek, Cyrillic, Arabic and more, but no Chinese. */
export const defaultFontPath: string = fileURLToPath(
  new URL("../../assets/fonts/DejaVuSans.ttf", import.meta.url),
);

const cacheSize = 256;
const layers = new Map<string, TextLayer>();
const families = new Map<string, string>();
let canvasModule: Canvas | undefined;

/** The layer for a plan, from the cache or newly drawn. @throws UsageError `font-unreadable` */
export function textLayer(plan: LayerPlan): TextLayer {
  const key = `${plan.font ?? ""}|${plan.fontSize}|${plan.key}`;
  const cached = layers.get(key);
  if (cached) {
    // Most recently used goes last.
    layers.delete(key);
    layers.set(key, cached);
    return cached;
  }
  const layer = render(plan);
  layers.set(key, layer);
  const oldest = layers.keys().next().value;
  if (layers.size > cacheSize && oldest !== undefined) layers.delete(oldest);
  return layer;
}

/**
 * Blends a layer onto a frame in place; what falls outside is left out.
 *
 * @param rgb RGB24 of the frame
 */
export function blendLayer(rgb: Uint8Array, width: number, height: number, layer: TextLayer): void {
  const fromX = Math.max(0, -layer.x);
  const toX = Math.min(layer.width, width - layer.x);
  const fromY = Math.max(0, -layer.y);
  const toY = Math.min(layer.height, height - layer.y);
  for (let y = fromY; y < toY; y++) {
    let source = (y * layer.width + fromX) * 4;
    let target = ((y + layer.y) * width + layer.x + fromX) * 3;
    for (let x = fromX; x < toX; x++, source += 4, target += 3) {
      const alpha = layer.data[source + 3] as number;
      if (alpha === 0) continue;
      for (let c = 0; c < 3; c++) {
        const under = rgb[target + c] as number;
        const over = layer.data[source + c] as number;
        // (under * (255 - alpha) + over * alpha) / 255, rounded
        rgb[target + c] = ((under * (255 - alpha) + over * alpha) * 2 + 255) / 510;
      }
    }
  }
}

function render(plan: LayerPlan): TextLayer {
  canvasModule ??= createRequire(import.meta.url)("@napi-rs/canvas") as Canvas;
  const font = `${plan.fontSize}px "${fontFamily(canvasModule, plan.font ?? defaultFontPath)}"`;
  const measuring = canvasModule.createCanvas(1, 1).getContext("2d");
  measuring.font = font;
  const { x, y, width, height, draw } = plan.plan(measuring);
  const context = canvasModule.createCanvas(width, height).getContext("2d");
  context.font = font;
  draw(context);
  return { x, y, width, height, data: context.getImageData(0, 0, width, height).data };
}

function fontFamily(canvas: Canvas, path: string): string {
  let family = families.get(path);
  if (family === undefined) {
    family = `video-r2-${families.size}`;
    if (!canvas.GlobalFonts.registerFromPath(path, family)) {
      throw new UsageError("font-unreadable", `font ${path}: must be a readable TrueType or OpenType file`);
    }
    families.set(path, family);
  }
  return family;
}
