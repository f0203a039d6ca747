/**
 * One-to-one matching of rows to columns: as many pairs as possible and, among those matchings, the largest
 * total weight. The Hungarian method by shortest augmenting paths (Kuhn 1955; Jonker and Volgenant 1987) on
 * costs in which leaving a row alone costs more than any weights can win back: O(n^2 (n + m)).
 */

/** A matched pair, as indices of its row and its column. */
export type MatchedPair = readonly [row: number, column: number];

/** Where every row can have its best column and no two rows want the same one, that is the answer. */
function withoutConflict(weights: readonly (readonly number[])[], allowed: readonly (readonly boolean[])[]) {
  const pairs: MatchedPair[] = [];
  const taken = new Set<number>();
  for (let i = 0; i < weights.length; i++) {
    const row = weights[i] as readonly number[];
    let best = -1;
    for (let j = 0; j < row.length; j++)
      if (allowed[i]?.[j] && (best < 0 || (row[j] as number) > (row[best] as number))) best = j;
    if (best < 0) continue;
    if (taken.has(best)) return null;
    taken.add(best);
    pairs.push([i, best]);
  }
  return pairs;
}

/** Smallest and largest allowed weight, so that weights can be scaled to 0..1. */
function rangeOf(weights: readonly (readonly number[])[], allowed: readonly (readonly boolean[])[]) {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  weights.forEach((row, i) => {
    row.forEach((weight, j) => {
      if (!allowed[i]?.[j]) return;
      low = Math.min(low, weight);
      high = Math.max(high, weight);
    });
  });
  return { low, span: high > low ? high - low : 1 };
}

/** The column of each row at the smallest total cost, with as many columns as rows or more; indices from 0. */
function assign(rows: number, columns: number, cost: (row: number, column: number) => number): Int32Array {
  // Rows and columns count from 1 below; 0 is the column of the row that is being placed.
  const rowPrice = new Float64Array(rows + 1);
  const columnPrice = new Float64Array(columns + 1);
  const rowOf = new Int32Array(columns + 1);
  const from = new Int32Array(columns + 1);
  for (let row = 1; row <= rows; row++) {
    rowOf[0] = row;
    const slack = new Float64Array(columns + 1).fill(Number.POSITIVE_INFINITY);
    const done = new Uint8Array(columns + 1);
    let column = 0;
    do {
      done[column] = 1;
      const i = rowOf[column] as number;
      let delta = Number.POSITIVE_INFINITY;
      let next = 0;
      for (let j = 1; j <= columns; j++) {
        if (done[j]) continue;
        const reduced = cost(i - 1, j - 1) - (rowPrice[i] as number) - (columnPrice[j] as number);
        if (reduced < (slack[j] as number)) {
          slack[j] = reduced;
          from[j] = column;
        }
        if ((slack[j] as number) < delta) {
          delta = slack[j] as number;
          next = j;
        }
      }
      for (let j = 0; j <= columns; j++) {
        if (done[j]) {
          rowPrice[rowOf[j] as number] = (rowPrice[rowOf[j] as number] as number) + delta;
          columnPrice[j] = (columnPrice[j] as number) - delta;
        } else slack[j] = (slack[j] as number) - delta;
      }
      column = next;
    } while (rowOf[column] !== 0);
    while (column !== 0) {
      const before = from[column] as number;
      rowOf[column] = rowOf[before] as number;
      column = before;
    }
  }
  const columnOf = new Int32Array(rows);
  for (let j = 1; j <= columns; j++) if (rowOf[j]) columnOf[(rowOf[j] as number) - 1] = j - 1;
  return columnOf;
}

/**
 * Matches rows to columns one to one: the most pairs, then the largest total weight.
 *
 * @param weights `weights[row][column]`, finite where allowed
 * @param allowed which pairs may be matched, of the same shape
 * @returns the pairs by ascending row; none where nothing is allowed
 */
export function maximumMatching(
  weights: readonly (readonly number[])[],
  allowed: readonly (readonly boolean[])[],
): MatchedPair[] {
  const simple = withoutConflict(weights, allowed);
  if (simple) return simple;
  const rows = weights.length;
  const columns = weights[0]?.length ?? 0;
  // The work grows with the square of the rows: the fewer of the two are placed.
  if (rows > columns) {
    const turned = <T>(table: readonly (readonly T[])[]): T[][] =>
      Array.from({ length: columns }, (_, j) => table.map((row) => row[j] as T));
    return maximumMatching(turned(weights), turned(allowed))
      .map(([column, row]) => [row, column] as const)
      .sort(([a], [b]) => a - b);
  }
  const { low, span } = rangeOf(weights, allowed);
  const alone = Math.min(rows, columns) + 1;
  const columnOf = assign(rows, columns + rows, (i, j) => {
    if (j >= columns) return alone;
    return allowed[i]?.[j] ? 1 - ((weights[i]?.[j] as number) - low) / span : Number.POSITIVE_INFINITY;
  });
  return [...columnOf].flatMap((column, row) => (column < columns ? [[row, column] as const] : []));
}
