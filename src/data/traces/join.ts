/** Joins a log with what other files know about its questions: gold answers and options, and references. */

import { sha256, UsageError } from "../../base/index.ts";
import { readJsonValues } from "./json-values.ts";
import { type QuestionRow, readAnnotation } from "./read-row.ts";
import type { TraceRow } from "./trace-row.ts";

/** Files to join. */
export interface JoinOptions {
  /** Questions with gold answers and options, by id, or in the order of the benchmark's split. */
  annotations?: string | undefined;
  /** Rows with `temporal_grounding`, by id or by video. */
  references?: string | undefined;
}

/** Fills what a row lacks; `used` counts the rows for which each file had something. */
export interface Join {
  (row: TraceRow): TraceRow;
  used: { annotations: number; references: number };
}

/** A video's name without folder and ending, by which files of different origin name it. */
const videoName = (video: string) => video.replace(/^.*[/\\]/, "").replace(/\.[a-z0-9]{2,5}$/i, "");

const words = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();

type Reference = Pick<TraceRow, "references" | "grounding">;

interface Annotations {
  byId: Map<string, QuestionRow>;
  byDocId: Map<string, QuestionRow>;
}

async function readAnnotations(path: string): Promise<Annotations> {
  const byId = new Map<string, QuestionRow>();
  const byDocId = new Map<string, QuestionRow>();
  let position = 0;
  for await (const { line, value } of readJsonValues(path)) {
    const row = readAnnotation(value, { file: path, line });
    byId.set(row.id, row);
    byDocId.set(row.docId ?? String(position), row);
    position++;
  }
  return { byId, byDocId };
}

/** @throws UsageError where the annotation is about another question than the row */
function checkSame(row: TraceRow, found: QuestionRow): void {
  const fail = (what: string): never => {
    throw new UsageError(
      "annotations-mismatch",
      `${found.file}:${found.line}: must be the question of ${row.file}:${row.line}, ${what}`,
      "Rows are joined by doc_id (the position in the benchmark's split) or by id; is this the right split?",
    );
  };
  const hash = found.promptHash ?? (found.prompt === null ? null : sha256(found.prompt));
  if (row.promptHash !== null && hash !== null) {
    if (hash !== row.promptHash) fail("got another prompt_hash");
    return;
  }
  const asked = row.prompt ?? row.question;
  if (asked === "" || found.question === "" || words(asked).includes(words(found.question))) return;
  fail(`got ${JSON.stringify(found.question.slice(0, 60))}`);
}

function annotated(row: TraceRow, found: QuestionRow): TraceRow {
  checkSame(row, found);
  const options = found.options.length > 0 ? found.options : row.options;
  const gold = found.gold ?? row.gold;
  return {
    ...row,
    question: found.question || row.question,
    options,
    gold,
    type: options.length > 0 ? "choice" : found.gold === null ? row.type : found.type,
    video: row.video ?? found.video,
    category: row.category ?? found.category,
    durationSeconds: row.durationSeconds ?? found.durationSeconds,
    references: row.references ?? found.references,
    grounding: row.references === null ? found.grounding : row.grounding,
  };
}

async function readReferences(path: string): Promise<Map<string, Reference>> {
  const found = new Map<string, Reference>();
  let rows = 0;
  for await (const { line, value } of readJsonValues(path)) {
    rows++;
    const row = readAnnotation(value, { file: path, line });
    const { references, grounding } = row;
    if (references === null) continue;
    if (row.id !== String(line)) found.set(`id ${row.id}`, { references, grounding });
    if (row.video !== null) found.set(`video ${videoName(row.video)}`, { references, grounding });
  }
  if (found.size === 0)
    throw new UsageError(
      "references-empty",
      `${path}: must hold rows with temporal_grounding and an id or a video, got ${rows} without`,
      'Such as {"id": "q1", "temporal_grounding": {"00:04-00:06": "a dog jumps"}}',
    );
  return found;
}

/**
 * Reads the files to join and gives what fills in rows.
 *
 * @throws UsageError where a file cannot be read; from the join, `annotations-mismatch` where a row's annotation is
 *   about another question
 */
export async function openJoin(options: JoinOptions): Promise<Join> {
  const annotations = options.annotations === undefined ? null : await readAnnotations(options.annotations);
  const references = options.references === undefined ? null : await readReferences(options.references);
  const used = { annotations: 0, references: 0 };
  const join = (row: TraceRow): TraceRow => {
    let joined = row;
    const found = row.docId === null ? annotations?.byId.get(row.id) : annotations?.byDocId.get(row.docId);
    if (found !== undefined) {
      used.annotations++;
      joined = annotated(row, found);
    }
    const reference =
      references?.get(`id ${row.id.replace(/#\d+$/, "")}`) ??
      (joined.video === null ? undefined : references?.get(`video ${videoName(joined.video)}`));
    if (reference === undefined) return joined;
    used.references++;
    return { ...joined, ...reference };
  };
  return Object.assign(join, { used });
}
