/** Where the files of an archive go, so that videos come to lie where they are looked for. */

/** What of the paths in an archive is left out, and what is put in front instead; both without slashes at the ends. */
export interface Placement {
  strip: string;
  into: string;
}

const asIs: Placement = { strip: "", into: "" };

/** The parts of a path, its ending left out. */
const partsOf = (path: string) => path.replace(/\.[a-z0-9]{2,4}$/i, "").split("/");

/** How many parts two paths have in common at their ends. */
function commonEnd(a: readonly string[], b: readonly string[]): number {
  let count = 0;
  while (count < a.length && count < b.length && a.at(-1 - count) === b.at(-1 - count)) count++;
  return count;
}

/** The placement that brings one file to a wanted place; null where none or several would do as well. */
function placementOf(name: readonly string[], wanted: readonly (readonly string[])[]): Placement | null {
  let best: Placement | null = null;
  let longest = 0;
  for (const place of wanted) {
    const common = commonEnd(name, place);
    if (common < longest || common === 0) continue;
    best =
      common === longest
        ? null
        : { strip: name.slice(0, -common).join("/"), into: place.slice(0, -common).join("/") };
    longest = common;
  }
  return best;
}

/**
 * The placement by which most of the files come to a wanted place; that of the archive where none does.
 *
 * @param names paths in the archive; a few dozen are enough
 * @param wanted paths that are looked for, whatever their ending
 */
export function choosePlacement(names: Iterable<string>, wanted: Iterable<string>): Placement {
  const byName = new Map<string, string[][]>();
  for (const path of new Set(wanted)) {
    const parts = partsOf(path);
    const last = parts.at(-1) as string;
    byName.set(last, [...(byName.get(last) ?? []), parts]);
  }
  const votes = new Map<string, { placement: Placement; count: number }>();
  for (const name of names) {
    const parts = partsOf(name);
    const placement = placementOf(parts, byName.get(parts.at(-1) as string) ?? []);
    if (placement === null) continue;
    const key = JSON.stringify(placement);
    votes.set(key, { placement, count: (votes.get(key)?.count ?? 0) + 1 });
  }
  return [...votes.values()].sort((a, b) => b.count - a.count)[0]?.placement ?? asIs;
}

/** Where a file of the archive goes. */
export function placed(path: string, { strip, into }: Placement): string {
  if (strip !== "" && !path.startsWith(`${strip}/`)) return path;
  const rest = strip === "" ? path : path.slice(strip.length + 1);
  return into === "" ? rest : `${into}/${rest}`;
}
