/** The command line that goes on with what this one began. */

/**
 * @param more flags that going on takes, such as `--resume`
 * @param words the present command's; default the process's
 */
export function commandAgain(
  more: readonly string[] = [],
  words: readonly string[] = process.argv.slice(2),
): string {
  const quoted = (word: string): string =>
    /^[\w./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
  return ["video-r2", ...words.filter((word) => !more.includes(word)), ...more].map(quoted).join(" ");
}
