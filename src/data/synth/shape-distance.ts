/**
 * Signed distances to the outlines of the shapes, negative inside, for shapes of radius 1 around the origin with y
 * pointing down. Only +, -, *, / and square roots are used, so that every machine gets the same bits.
 */

import type { Shape } from "./vocabulary.ts";

type Point = readonly [number, number];

const triangle: readonly Point[] = [
  [0, -1],
  [1, 0.8],
  [-1, 0.8],
];

const diamond: readonly Point[] = [
  [0, -1.05],
  [0.85, 0],
  [0, 1.05],
  [-0.85, 0],
];

// Outer corners at radius 1.08, inner ones at 0.46, every 36 degrees from the top; moved down by 0.06.
const star: readonly Point[] = [
  [0, -1.02],
  [0.2704, -0.3121],
  [1.0271, -0.2737],
  [0.4375, 0.2021],
  [0.6348, 0.9337],
  [0, 0.52],
  [-0.6348, 0.9337],
  [-0.4375, 0.2021],
  [-1.0271, -0.2737],
  [-0.2704, -0.3121],
];

/** The distance of a point to a shape's outline in radii, negative inside. */
export function shapeDistance(shape: Shape, x: number, y: number): number {
  switch (shape) {
    case "circle":
      return Math.sqrt(x * x + y * y) - 1;
    case "ring":
      return Math.abs(Math.sqrt(x * x + y * y) - 0.76) - 0.26;
    case "square":
      return boxDistance(x, y, 0.88, 0.88);
    case "cross":
      return Math.min(boxDistance(x, y, 1, 0.32), boxDistance(x, y, 0.32, 1));
    case "triangle":
      return polygonDistance(triangle, x, y);
    case "diamond":
      return polygonDistance(diamond, x, y);
    case "star":
      return polygonDistance(star, x, y);
  }
}

function boxDistance(x: number, y: number, halfWidth: number, halfHeight: number): number {
  const dx = Math.abs(x) - halfWidth;
  const dy = Math.abs(y) - halfHeight;
  const ox = Math.max(dx, 0);
  const oy = Math.max(dy, 0);
  return Math.sqrt(ox * ox + oy * oy) + Math.min(Math.max(dx, dy), 0);
}

/** Distance to the nearest edge, with the sign of the even-odd rule. */
function polygonDistance(corners: readonly Point[], x: number, y: number): number {
  let nearest = Number.POSITIVE_INFINITY;
  let inside = false;
  let [px, py] = corners.at(-1) as Point;
  for (const [cx, cy] of corners) {
    const ex = cx - px;
    const ey = cy - py;
    const wx = x - px;
    const wy = y - py;
    const along = Math.min(1, Math.max(0, (wx * ex + wy * ey) / (ex * ex + ey * ey)));
    const dx = wx - ex * along;
    const dy = wy - ey * along;
    nearest = Math.min(nearest, dx * dx + dy * dy);
    if (cy > y !== py > y && x < ((px - cx) * (y - cy)) / (py - cy) + cx) inside = !inside;
    px = cx;
    py = cy;
  }
  return inside ? -Math.sqrt(nearest) : Math.sqrt(nearest);
}
