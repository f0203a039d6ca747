/**
 * What the reference's two extractors take from an output, oddities included; for `compat: "reference"` only.
 * Its accuracy reads the first answer and its consistency the last blocks, so the two may judge different
 * answers of one output. Written without backtracking: time is linear in the length of the output.
 */

/** White space as Python's `str.strip()` has it, which differs from JavaScript's `trim()`. */
function isPythonSpace(character: string): boolean {
  const code = character.charCodeAt(0);
  return (code >= 0x1c && code <= 0x1f) || code === 0x85 || (code !== 0xfeff && /\s/.test(character));
}

/** Python's `str.strip()`. */
export function pythonStrip(text: string): string {
  let [from, to] = [0, text.length];
  while (from < to && isPythonSpace(text[from] as string)) from++;
  while (to > from && isPythonSpace(text[to - 1] as string)) to--;
  return text.slice(from, to);
}

/**
 * What the reference's scorers read as the answer: the first `<answer>` block, lower-case tags only, stripped;
 * without one, the whole output unchanged, reasoning included (so a truncated output is read as a guess).
 */
export function referenceAnswer(raw: string): string {
  const from = raw.indexOf("<answer>");
  const to = from < 0 ? -1 : raw.indexOf("</answer>", from);
  return to < 0 ? raw : pythonStrip(raw.slice(from + "<answer>".length, to));
}

/** Tag names as Python reads them ignoring case: its case folding adds three letters that look alike. */
const names = { think: "th[i\\u0131\\u0130]n[k\\u212a]", answer: "an[s\\u017f]wer" };

/** The last block of a tag as the reference's consistency scripts read it, stripped; empty where there is none. */
export function referenceLastBlock(raw: string, tag: "think" | "answer"): string {
  let open = -1;
  let last = "";
  for (const match of raw.matchAll(new RegExp(`<(/?)${names[tag]}>`, "gi"))) {
    if (match[1] === "" && open < 0) open = match.index + match[0].length;
    else if (match[1] === "/" && open >= 0) {
      last = raw.slice(open, match.index);
      open = -1;
    }
  }
  return pythonStrip(last);
}

/** What the reference's consistency scripts read: the last reasoning and the last answer, tags in any case. */
export function referenceLastBlocks(raw: string): { think: string; answer: string } {
  return { think: referenceLastBlock(raw, "think"), answer: referenceLastBlock(raw, "answer") };
}
