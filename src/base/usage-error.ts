/** An error caused by what the user gave. It prints as a message and a hint, never as a stack trace. */

/** What went wrong, for people: `message` says `what: rule, got value`, `hint` says what to do about it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** A stable, kebab-case identifier that programs can test for, such as `video-unreadable`. */
  readonly code: string;
  /** What the user can do, or undefined where the message already says it. */
  readonly hint: string | undefined;

  /**
   * @param code stable, kebab-case identifier
   * @param message `what: rule, got value`, in one sentence
   * @param hint what to do about it
   * @param options `cause`: the error this one explains
   */
  constructor(code: string, message: string, hint?: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }

  /** The form in which the error is printed and sent as JSON. */
  toJSON(): { code: string; message: string; hint?: string } {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
    };
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Asserts what only a bug of ours can break.
 *
 * @throws Error whose message begins with `internal:` if `condition` is false
 */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`internal: ${message}`);
}
