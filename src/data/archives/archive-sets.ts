/** Which files of a list are archives, and which of them are parts of one. */

/** An archive: one file, or several that are one when put together. */
export interface ArchiveSet<F> {
  /** Path of the whole, which no file has where it comes in parts. */
  name: string;
  kind: "zip" | "tar";
  /** In order. */
  parts: readonly F[];
}

const whole = /\.(zip|tar|tgz|tar\.gz)$/i;
/** `x.tar.part.aa`, `x.tar.partaa`, `x.zip.001`, `x.tar.gz.00`, `x.tar.gz-aa`, `x.zip.part1`. */
const part = /^(.*\.(?:zip|tar|tgz|tar\.gz))[._-]?(?:part)?[._-]?([a-z]{2,3}|\d{1,5})$/i;
const foreign = /\.(?:7z|rar|z\d\d|tar\.(?:xz|bz2|zst|lz4)|t[bx]z2?)(?:\.\d{1,5})?$/i;

/** The first parts of an archive may be missing, but not so many. */
const latestFirst = 9;

const kindOf = (name: string): "zip" | "tar" => (/\.zip$/i.test(name) ? "zip" : "tar");

/** The position that the ending of a part stands for, from 0 or 1; letters as `split` counts them. */
function positionOf(ending: string): number {
  if (/^\d+$/.test(ending)) return Number(ending);
  return [...ending.toLowerCase()].reduce((sum, letter) => 26 * sum + letter.charCodeAt(0) - 97, 0);
}

/** Whether a path is that of an archive of a kind that is not read here. */
export function isForeignArchive(path: string): boolean {
  return foreign.test(path);
}

/**
 * The archives among files, by name. Parts are taken for an archive only where the first of them is there; which of
 * them are missing is told. A zip archive in volumes (`x.z01`, `x.zip`) is none of them: joined, it is still no archive.
 *
 * @returns the archives, and by name the positions of parts that are missing, counted as their endings count
 */
export function archiveSets<F extends { path: string }>(
  files: readonly F[],
): { sets: ArchiveSet<F>[]; gaps: { name: string; missing: number[] }[] } {
  const sets: ArchiveSet<F>[] = [];
  const groups = new Map<string, { position: number; file: F }[]>();
  const paths = new Set(files.map(({ path }) => path.toLowerCase()));
  const inVolumes = (path: string) =>
    /\.zip$/i.test(path) && paths.has(path.toLowerCase().replace(/zip$/, "z01"));
  for (const file of files) {
    if (whole.test(file.path) && !inVolumes(file.path))
      sets.push({ name: file.path, kind: kindOf(file.path), parts: [file] });
    const [, name, ending] = part.exec(file.path) ?? [];
    if (whole.test(file.path) || name === undefined || ending === undefined) continue;
    const group = groups.get(name) ?? [];
    group.push({ position: positionOf(ending), file });
    groups.set(name, group);
  }
  const gaps: { name: string; missing: number[] }[] = [];
  for (const [name, group] of groups) {
    group.sort((a, b) => a.position - b.position);
    const positions = group.map(({ position }) => position);
    const [least = 0] = positions;
    // What begins elsewhere is something else, such as `x.tar.xz`.
    if (least > latestFirst) continue;
    // Numbers begin with 0 or 1, letters with `aa`, which is 0.
    const first = /\d$/.test(group[0]?.file.path ?? "") ? Math.min(least, 1) : 0;
    const missing = Array.from({ length: (positions.at(-1) ?? 0) - first + 1 }, (_, i) => first + i).filter(
      (i) => !positions.includes(i),
    );
    if (missing.length > 0) gaps.push({ name, missing });
    else sets.push({ name, kind: kindOf(name), parts: group.map(({ file }) => file) });
  }
  return { sets: sets.sort((a, b) => (a.name < b.name ? -1 : 1)), gaps };
}
