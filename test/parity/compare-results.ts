/** Where two results of a parity case differ, by field. */

/** Two numbers are one if they differ by the rounding of a sum in another order, at most. */
const sameNumber = (a: number, b: number) =>
  Object.is(a, b) || Math.abs(a - b) <= 1e-12 * Math.max(1, Math.abs(a));

function same(ours: unknown, theirs: unknown, path: string): string[] {
  if (typeof ours === "number" && typeof theirs === "number") return sameNumber(ours, theirs) ? [] : [path];
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    if (ours.length !== theirs.length) return [path];
    return ours.flatMap((value, i) => same(value, theirs[i], path));
  }
  if (ours && theirs && typeof ours === "object" && typeof theirs === "object") {
    const [a, b] = [ours as Record<string, unknown>, theirs as Record<string, unknown>];
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) =>
      same(a[key], b[key], path === "" ? key : `${path}.${key}`),
    );
  }
  return ours === theirs ? [] : [path];
}

const number = (text: string) =>
  text.startsWith("#") ? `#${Number(text.slice(1).replace("inf", "Infinity"))}` : text;

/** A set of strings and numbers in one order; Python writes `1.0` and `1e+16` where we write `1` and `10000000000000000`. */
const asSet = (list: unknown) =>
  Array.isArray(list) ? list.map((value) => number(String(value))).sort() : list;

function ordered(result: unknown): unknown {
  if (!result || typeof result !== "object" || !("mmmu_open" in result)) return result;
  return { ...result, mmmu_open: asSet(result.mmmu_open) };
}

/** The fields in which two results differ, none where they are the same. */
export function differences(ours: unknown, theirs: unknown): string[] {
  return [...new Set(same(ordered(ours), ordered(theirs), ""))];
}
