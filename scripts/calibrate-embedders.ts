/**
 * Calibrates embedders on test/fixtures/claim-pairs.jsonl: where F1 of "same event" is best, and precision and recall
 * there and at the paper's 0.75. The threshold is the middle between the similarities on both sides of the best cut.
 *
 *     npx tsx scripts/calibrate-embedders.ts [FOLDER_OF_ALL_MINILM_L6_V2]...
 */

import { fileURLToPath } from "node:url";
import { readJsonl } from "../src/base/index.ts";
import { openEmbedder, similarity } from "../src/judges/index.ts";

interface Pair {
  a: string;
  b: string;
  same: boolean;
}

const pairs: Pair[] = [];
for await (const pair of readJsonl<Pair>(
  fileURLToPath(new URL("../test/fixtures/claim-pairs.jsonl", import.meta.url)),
))
  pairs.push(pair);

function measure(scores: readonly number[], threshold: number) {
  const called = pairs.map((_, i) => (scores[i] as number) >= threshold);
  const hits = pairs.filter(({ same }, i) => same && called[i]).length;
  const precision = hits / Math.max(1, called.filter(Boolean).length);
  const recall = hits / pairs.filter(({ same }) => same).length;
  const f1 = hits === 0 ? 0 : (2 * precision * recall) / (precision + recall);
  return { precision, recall, f1 };
}

function best(scores: readonly number[]): number {
  const sorted = [...scores].sort((x, y) => x - y);
  const cuts = sorted.slice(1).map((score, i) => (score + (sorted[i] as number)) / 2);
  return cuts.reduce((at, cut) => (measure(scores, cut).f1 > measure(scores, at).f1 ? cut : at), 0);
}

for (const spec of ["lexical", ...process.argv.slice(2)]) {
  const embedder = await openEmbedder(spec);
  const left = await embedder.embed(pairs.map(({ a }) => a));
  const right = await embedder.embed(pairs.map(({ b }) => b));
  const scores = pairs.map((_, i) => similarity(left[i] as Float32Array, right[i] as Float32Array));
  const show = (name: string, threshold: number) => {
    const { precision, recall, f1 } = measure(scores, threshold);
    console.log(
      `  ${name} ${threshold.toFixed(3)}: precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}, F1 ${f1.toFixed(3)}`,
    );
  };
  console.log(`${embedder.name}, ${pairs.length} pairs`);
  show("best", best(scores));
  show("set", embedder.threshold);
  show("paper's", 0.75);
  await embedder.close();
}
