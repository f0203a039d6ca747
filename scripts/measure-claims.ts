/**
 * Precision and recall of the rules that extract claims, on the labelled sentences of test/fixtures/claims:
 *
 *   npx tsx scripts/measure-claims.ts [SPLIT] [--errors]
 *
 * SPLIT is `development`, `held-out` or `unseen`, all by default; `--errors` shows the sentences that differ (meant for
 * the development split: rules tuned on the errors of the others would make their numbers worthless).
 */

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { extractClaims } from "../src/trace/index.ts";
import { compareClaims, type LabelledText, sumAgreements } from "../src/trace/testing/claim-agreement.ts";

const { values, positionals } = parseArgs({
  options: { errors: { type: "boolean", default: false } },
  allowPositionals: true,
});
const percent = (value: number) => `${(100 * value).toFixed(1)} %`;

for (const split of positionals.length > 0 ? positionals : ["development", "held-out", "unseen"]) {
  const file = new URL(`../test/fixtures/claims/${split}.jsonl`, import.meta.url);
  const rows = readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as LabelledText);
  const results = rows.map((row) => {
    const found = extractClaims(row.text, { durationSeconds: row.durationSeconds });
    return { row, found };
  });
  const negatives = results.filter(({ row }) => row.claims.length === 0);
  const clean = negatives.filter(({ found }) => found.length === 0).length;
  console.log(
    `${split}: ${rows.length} texts, of which ${negatives.length} claim nothing (${clean} read so)`,
  );
  for (const by of ["time", "time and text"] as const) {
    const sum = sumAgreements(results.map(({ row, found }) => compareClaims(found, row.claims, by)));
    console.log(
      `  by ${by.padEnd(13)}  precision ${percent(sum.precision)} (${sum.agreed}/${sum.found})  recall ${percent(sum.recall)} (${sum.agreed}/${sum.labelled})`,
    );
  }
  if (!values.errors) continue;
  for (const { row, found } of results) {
    const { agreed } = compareClaims(found, row.claims, "time and text");
    if (agreed === found.length && agreed === row.claims.length) continue;
    console.log(`\n  ${JSON.stringify(row.text)}`);
    for (const { start, end, text } of row.claims) console.log(`    labelled ${start}-${end}: ${text}`);
    for (const { startSeconds, endSeconds, text } of found)
      console.log(`    found    ${startSeconds}-${endSeconds}: ${text}`);
  }
}
