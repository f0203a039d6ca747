/** The one FFmpeg filter graph that both backends run, so that they give the same bytes. */

/** How a frame's display matrix turns and mirrors it. */
export interface Orientation {
  /** Clockwise turn in degrees: 0, 90, 180 or 270. */
  readonly rotation: number;
  /** FFmpeg filters that make the picture upright, in order; empty for most videos. */
  readonly filters: readonly string[];
}

/**
 * Reads a display matrix the way FFmpeg's own `autorotate` does.
 *
 * @param matrix nine fixed-point numbers (row by row), or undefined for none
 */
export function orientationOf(matrix: ArrayLike<number> | undefined): Orientation {
  const m = (i: number) => matrix?.[i] ?? 0;
  const across = Math.hypot(m(0), m(3));
  const down = Math.hypot(m(1), m(4));
  if (across === 0 || down === 0) return { rotation: 0, filters: [] };
  const degrees = (Math.atan2(m(1) / down, m(0) / across) * 180) / Math.PI;
  const rotation = (((Math.round(degrees / 90) * 90) % 360) + 360) % 360;
  if (rotation === 90) return { rotation, filters: [m(3) > 0 ? "transpose=cclock_flip" : "transpose=clock"] };
  if (rotation === 270)
    return { rotation, filters: [m(3) < 0 ? "transpose=clock_flip" : "transpose=cclock"] };
  if (rotation === 180) {
    return { rotation, filters: [...(m(0) < 0 ? ["hflip"] : []), ...(m(4) < 0 ? ["vflip"] : [])] };
  }
  return { rotation, filters: m(4) < 0 ? ["vflip"] : [] };
}

/**
 * Upright RGB24, resized with an antialiased bicubic kernel (a = -0.5) if a size is given. The colour conversion
 * comes first and honours the file's colour tags (BT.601 where there are none); resizing in RGB is what the
 * reference does, and straight from YUV it would be off by up to 150 of 255.
 *
 * @param orientation of the frames
 * @param size in pixels, or undefined to keep the file's
 */
export function filterDescription(
  orientation: Orientation,
  size: { width: number; height: number } | undefined,
): string {
  const resize = size
    ? [
        "format=gbrp",
        `zscale=w=${size.width}:h=${size.height}:filter=bicubic:param_a=0:param_b=0.5`,
        "format=gbrp",
      ]
    : [];
  return [...orientation.filters, "format=rgb24", ...resize, ...(size ? ["format=rgb24"] : [])].join(",");
}
