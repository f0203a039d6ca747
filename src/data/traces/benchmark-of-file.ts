/** Which benchmark a log is about, told from the name of its file or folder, as nothing in the log says it. */

import { basename, dirname } from "node:path";

/** Benchmarks by what their names look like in file names; the more special first. */
const names: readonly (readonly [string, RegExp])[] = [
  ["video_mmmu", /video[-_]?mmmu/],
  ["mvbench", /mvbench/],
  ["videomme", /video[-_]?mme/],
  ["tempcompass", /temp[-_]?compass/],
  ["mlvu", /mlvu/],
  ["longvideobench", /long[-_]?video[-_]?bench|(?:^|_)lvb(?:_|$)/],
  ["videomathqa", /video[-_]?math[-_]?qa/],
  ["mmvu", /mmvu/],
  ["vsibench", /vsi[-_]?bench/],
  ["minerva", /minv?erva/],
  ["scivideobench", /sci[-_]?video[-_]?bench/],
];

/** The benchmark of a file, and the sub-task that lmms-eval names in it; null where the name says nothing. */
export function benchmarkOfFile(path: string): { benchmark: string | null; task: string | null } {
  const name = basename(path).toLowerCase();
  const task = /_?samples_(.+?)(?:_think)?(?:\.head)?\.jsonl/.exec(name)?.[1] ?? null;
  const find = (text: string) => names.find(([, pattern]) => pattern.test(text))?.[0];
  const benchmark = find(name) ?? find(basename(dirname(path)).toLowerCase()) ?? null;
  const part = benchmark && task?.startsWith(`${benchmark}_`) ? task.slice(benchmark.length + 1) : null;
  return { benchmark: benchmark ?? task, task: part };
}
