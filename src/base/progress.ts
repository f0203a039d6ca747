/** Progress of long work, on standard error: one line redrawn on a terminal, a line now and then elsewhere. */

/** Formats a duration: `42 s`, `3 min 05 s`, `1 h 12 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
}

/** How a `Progress` is made. */
export interface ProgressOptions {
  /** What is being done, such as `training`. */
  label: string;
  /** Units of work in all. */
  total: number;
  /** Units done before this run began, for resumed work. Default 0. */
  done?: number;
  /** Where it is written. Default `process.stderr`. */
  stream?: NodeJS.WritableStream & { isTTY?: boolean };
  /** Seconds between lines where the stream is no terminal. Default 10. */
  everySeconds?: number;
  /** Write nothing. Default false. */
  silent?: boolean;
}

/** Counts work done and says how long the rest will take at the rate seen so far in this run. */
export class Progress {
  readonly #options: Required<ProgressOptions>;
  readonly #start = performance.now();
  #last = 0;
  #done: number;

  /** Starts the clock. */
  constructor(options: ProgressOptions) {
    this.#options = { done: 0, stream: process.stderr, everySeconds: 10, silent: false, ...options };
    this.#done = this.#options.done;
  }

  /** Sets the units done so far, with a note such as the current loss. */
  update(done: number, note = ""): void {
    this.#done = done;
    const { stream, everySeconds, silent, total } = this.#options;
    const now = performance.now();
    const wait = stream.isTTY ? 100 : everySeconds * 1000;
    if (silent || (now - this.#last < wait && done < total && this.#last > 0)) return;
    this.#last = now;
    stream.write(stream.isTTY ? `\r\u001b[2K${this.#line(note)}` : `${this.#line(note)}\n`);
  }

  /** Ends the line; call once, also after a failure. */
  finish(note = ""): void {
    const { stream, silent, label } = this.#options;
    if (silent) return;
    const took = formatDuration((performance.now() - this.#start) / 1000);
    stream.write(
      `${stream.isTTY ? "\r\u001b[2K" : ""}${label}: ${this.#done} done in ${took}${note && `, ${note}`}\n`,
    );
  }

  #line(note: string): string {
    const { label, total, done: before } = this.#options;
    const elapsed = (performance.now() - this.#start) / 1000;
    const fresh = this.#done - before;
    const left = fresh > 0 ? `, ${formatDuration(((total - this.#done) * elapsed) / fresh)} left` : "";
    return `${label}: ${this.#done}/${total}${left}${note && `, ${note}`}`;
  }
}
