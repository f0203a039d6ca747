/** The reasoning as it comes, without its tags and without the answer, which is shown after it. */

const tag = /<\s*(\/?)\s*(think|answer)\s*>/i;
const longestTag = "< / answer >".length;

/** Takes pieces of a reply and gives what of them is reasoning, as soon as that is certain. */
export class LiveReasoning {
  #held = "";
  #inAnswer = false;
  #begun = false;

  /** What may be shown after the next piece. */
  push(piece: string): string {
    this.#held += piece;
    let shown = "";
    for (let match = tag.exec(this.#held); match; match = tag.exec(this.#held)) {
      shown += this.#take(match.index);
      this.#held = this.#held.slice(match[0].length);
      this.#inAnswer = match[2]?.toLowerCase() === "answer" && match[1] !== "/";
    }
    // What may be the beginning of a tag waits for the rest of it.
    const open = this.#held.lastIndexOf("<");
    const waits = open >= 0 && this.#held.length - open < longestTag;
    return shown + this.#take(waits ? open : this.#held.length);
  }

  /** What is left at the end. */
  end(): string {
    return this.#take(this.#held.length);
  }

  #take(length: number): string {
    const text = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    if (this.#inAnswer) return "";
    const shown = this.#begun ? text : text.trimStart();
    this.#begun ||= shown !== "";
    return shown;
  }
}
