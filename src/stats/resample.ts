/**
 * Seeded resampling of clusters. Values of one cluster (questions about one video) are drawn together, since
 * they are not independent. The generator is splitmix32 and lives here, not in base, so that this folder has no
 * `node:` import and runs in a browser.
 */

/** Sum and number of the values of each cluster, clusters in the order in which they first occur. */
export interface Clusters {
  sums: Float64Array;
  counts: Float64Array;
}

/** A seeded source of unsigned 32-bit integers. @param seed any integer or text */
export function randomIntegers(seed: number | string): () => number {
  let a = 0x811c9dc5;
  for (const c of String(seed)) a = Math.imul(a ^ (c.codePointAt(0) as number), 0x01000193);
  return () => {
    a = (a + 0x9e3779b9) | 0;
    let t = a ^ (a >>> 16);
    t = Math.imul(t, 0x21f0aaad);
    t ^= t >>> 15;
    t = Math.imul(t, 0x735a2d97);
    return (t ^ (t >>> 15)) >>> 0;
  };
}

/**
 * Adds up values by cluster; without keys every value is its own cluster.
 *
 * @throws RangeError if there are not as many keys as values
 */
export function sumByCluster(
  values: readonly number[],
  keys: readonly (string | number)[] | undefined,
): Clusters {
  if (keys === undefined)
    return { sums: Float64Array.from(values), counts: new Float64Array(values.length).fill(1) };
  if (keys.length !== values.length)
    throw new RangeError(`clusters: must be one per value, got ${keys.length} for ${values.length} values`);
  const index = new Map<string | number, number>();
  const sums: number[] = [];
  const counts: number[] = [];
  values.forEach((value, i) => {
    const key = keys[i] as string | number;
    const at = index.get(key) ?? index.size;
    index.set(key, at);
    sums[at] = (sums[at] ?? 0) + value;
    counts[at] = (counts[at] ?? 0) + 1;
  });
  return { sums: Float64Array.from(sums), counts: Float64Array.from(counts) };
}

/** The means of `samples` resamplings of the clusters with replacement, in the order in which they were drawn. */
export function resampledMeans(
  { sums, counts }: Clusters,
  samples: number,
  seed: number | string,
): Float64Array {
  const next = randomIntegers(seed);
  const k = sums.length;
  const means = new Float64Array(samples);
  for (let s = 0; s < samples; s++) {
    let sum = 0;
    let count = 0;
    for (let i = 0; i < k; i++) {
      const at = Math.floor((next() / 4294967296) * k);
      sum += sums[at] as number;
      count += counts[at] as number;
    }
    means[s] = sum / count;
  }
  return means;
}

/** The quantile `q` of ascending values, linear between neighbours. */
export function quantile(ascending: Float64Array, q: number): number {
  const at = q * (ascending.length - 1);
  const low = ascending[Math.floor(at)] as number;
  const high = ascending[Math.ceil(at)] as number;
  return low + (high - low) * (at - Math.floor(at));
}
