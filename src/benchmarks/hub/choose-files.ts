/**
 * Which files of a data set on the hub a benchmark needs: its tables of questions, and videos, whether they come as
 * files, as folders of pictures or in archives. Subtitles, sound and the rest stay there.
 */

import { UsageError } from "../../base/index.ts";
import {
  type ArchiveSet,
  archiveSets,
  cardFiles,
  type Hub,
  type HubFile,
  isForeignArchive,
} from "../../data/index.ts";
import type { Benchmark } from "../benchmark.ts";
import { choosePaths } from "../rows/find-files.ts";
import type { TablePlace } from "../rows/open-folder.ts";

/** A file of a data set that is needed. */
export interface NeededFile extends HubFile {
  repository: string;
  commit: string;
  /** Where it goes in the benchmark's folder, with slashes. */
  place: string;
}

/** What of a data set is needed. */
export interface NeededFiles {
  tables: NeededFile[];
  videos: NeededFile[];
  archives: ArchiveSet<NeededFile>[];
  /** What may hold videos and is of no use here: archives of other kinds, or with parts missing. */
  useless: string[];
}

/** A data set at a commit. */
interface Edition {
  repository: string;
  commit: string;
  files: readonly HubFile[];
}

const video = /\.(?:mp4|mkv|webm|avi|mov|m4v|mpe?g|flv|wmv)$/i;
const picture = /\.(?:jpe?g|png|webp|bmp)$/i;
/** A folder with fewer pictures illustrates something. */
const fewestPictures = 4;
/** Words of folders and archives with nothing to look at. */
const other =
  /(?:^|[/_.-])(?:subtitles?|captions?|transcripts?|audios?|wavs?|features?|embeddings?|annotations?)(?=$|[/_.-])/i;
/** What the hub makes of data sets by itself. */
const converted = "refs/convert/parquet";

const needed = ({ repository, commit }: Edition, file: HubFile, place = file.path): NeededFile => ({
  ...file,
  repository,
  commit,
  place,
});

const folderOf = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf("/")));

/** Whether a path is that of something else than videos, by the words in it. */
const isOther = (path: string) => other.test(video.test(path) ? folderOf(path) : path);

/** Pictures in folders that have several, as a video that comes in frames has. */
function framesOf(files: readonly HubFile[]): HubFile[] {
  const pictures = files.filter(({ path }) => picture.test(path));
  const counts = new Map<string, number>();
  for (const { path } of pictures) counts.set(folderOf(path), (counts.get(folderOf(path)) ?? 0) + 1);
  return pictures.filter(({ path }) => (counts.get(folderOf(path)) ?? 0) >= fewestPictures);
}

/** The files of a table at the places where a folder is searched for it. */
function tableAtPlace(edition: Edition, { patterns }: TablePlace): NeededFile[] {
  const chosen = choosePaths(
    edition.files.map(({ path }) => path),
    patterns,
  );
  const byPath = new Map(edition.files.map((file) => [file.path, file]));
  return chosen.map((path) => needed(edition, byPath.get(path) as HubFile));
}

/** The files of a table as the card names them, with names by which a folder is searched for it. */
function tableOfCard(edition: Edition, card: string, config: string | null, split: string): NeededFile[] {
  const paths = cardFiles(
    card,
    config,
    split,
    edition.files.map(({ path }) => path),
  );
  const byPath = new Map(edition.files.map((file) => [file.path, file]));
  const stem = `${config ?? "data"}/${split}`;
  const number = (value: number) => String(value).padStart(5, "0");
  const [first = ""] = paths;
  if (paths.every((path) => path.endsWith(".parquet")))
    return paths.map((path, i) =>
      needed(edition, byPath.get(path) as HubFile, `${stem}-${number(i)}-of-${number(paths.length)}.parquet`),
    );
  const [ending] = /\.jsonl?$/.exec(first) ?? [];
  return paths.length === 1 && ending
    ? [needed(edition, byPath.get(first) as HubFile, `${stem}${ending}`)]
    : [];
}

async function editionOf(hub: Hub, repository: string, revision: string | null): Promise<Edition> {
  const commit = await hub.commit(repository, revision);
  return { repository, commit, files: await hub.listFiles(repository, commit) };
}

/** What the hub has made of a data set, null where it has not. */
async function convertedEdition(hub: Hub, repository: string): Promise<Edition | null> {
  try {
    return await editionOf(hub, repository, converted);
  } catch (error) {
    if (error instanceof UsageError && error.code === "hub-revision") return null;
    throw error;
  }
}

/** Whether a table is there in a form that is read here. */
const isReadable = (table: readonly NeededFile[]) =>
  table.length > 0 && table.every(({ place }) => !place.endsWith(".arrow"));

async function tablesOf(hub: Hub, benchmark: Benchmark, edition: Edition): Promise<NeededFile[]> {
  const { configs, split } = benchmark.source;
  const configOf = ({ subset }: TablePlace) => subset ?? configs[0] ?? null;
  const tables = benchmark.tables.map((place) => ({ place, files: tableAtPlace(edition, place) }));
  const open = () => tables.filter(({ files }) => !isReadable(files));
  if (open().length > 0 && edition.files.some(({ path }) => path === "README.md")) {
    const card = await hub.readText(edition.repository, edition.commit, "README.md");
    for (const table of open()) {
      const files = tableOfCard(edition, card, configOf(table.place), split);
      if (files.length > 0) table.files = files;
    }
  }
  if (open().length > 0) {
    const parquet = await convertedEdition(hub, edition.repository);
    for (const table of open()) {
      const files = parquet === null ? [] : tableAtPlace(parquet, table.place);
      if (files.length > 0) table.files = files;
    }
  }
  const lost = tables.filter(({ files }) => files.length === 0).map(({ place }) => place);
  if (lost.length > 0) throw lostTables(benchmark, edition, lost);
  return tables.flatMap(({ files }) => files);
}

function lostTables(benchmark: Benchmark, edition: Edition, lost: readonly TablePlace[]): UsageError {
  const places = lost[0]?.patterns.slice(0, 4).flat().join(" or ");
  const which = lost.flatMap(({ subset }) => (subset === null ? [] : [subset]));
  const names = edition.files.map(({ path }) => path).slice(0, 12);
  return new UsageError(
    "hub-layout",
    `${edition.repository}: must hold questions of ${benchmark.title}${which.length === 0 ? "" : ` (${which.join(", ")})`} at ${places}, got ${names.join(", ") || "no files"}${edition.files.length > 12 ? `, ... (${edition.files.length})` : ""}`,
    "The data set has changed its layout. Download it by hand, put the questions where docs/benchmarks.md says, and name the folder with --data DIR.",
  );
}

/**
 * The files that a benchmark needs.
 *
 * @param questionsOnly leaves the videos out
 * @throws UsageError `hub-layout` where there are no questions; as `Hub.commit`
 */
export async function chooseFiles(
  hub: Hub,
  benchmark: Benchmark,
  questionsOnly: boolean,
): Promise<NeededFiles> {
  const { hub: repository, revision } = benchmark.source;
  if (repository === null)
    throw new UsageError(
      "hub-none",
      `${benchmark.name}: must be a data set of the hub, got one that is generated`,
      "Make it with: video-r2 data synth --out DIR --count N --split heldout",
    );
  const edition = await editionOf(hub, repository, revision);
  const tables = await tablesOf(hub, benchmark, edition);
  if (questionsOnly) return { tables, videos: [], archives: [], useless: [] };
  const rest = edition.files.filter(
    ({ path }) =>
      !isOther(path) && !tables.some((table) => table.commit === edition.commit && table.path === path),
  );
  const { sets, gaps } = archiveSets(rest.map((file) => needed(edition, file)));
  return {
    tables,
    videos: [...rest.filter(({ path }) => video.test(path)), ...framesOf(rest)].map((file) =>
      needed(edition, file),
    ),
    archives: sets,
    useless: [
      ...rest.filter(({ path }) => isForeignArchive(path)).map(({ path }) => path),
      ...gaps.map(({ name, missing }) => `${name} (parts ${missing.join(", ")} are missing)`),
    ],
  };
}
