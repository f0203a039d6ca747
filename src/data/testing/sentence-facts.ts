/** Takes sentences that the world writes apart into clause and time, without the code that wrote them. */

/** A clause and when it is said to hold. */
export interface SaidFact {
  clause: string;
  start: number;
  end: number | null;
}

const time = String.raw`(\d\d):(\d\d)`;
const forms = [
  new RegExp(`^From ${time} to ${time},? (.*)$`),
  new RegExp(`^At ${time},? (.*)$`),
  new RegExp(`^(.*) from ${time} to ${time}$`),
  new RegExp(`^(.*) at ${time}$`),
];

const steps = [
  /answer is/,
  /^\(A\) .*: option \([A-E]\)$/,
  /^Is there an? [a-z ]+: .*: (yes|no)$/,
  /^\d+( [+-] \d+)+ = \d+$/,
  /^\d+ is more than \d+$/,
];

/**
 * The facts that reasoning states, without the steps from them to the answer.
 *
 * @throws Error at a sentence that is neither
 */
export function factsSaid(reasoning: string): SaidFact[] {
  const facts: SaidFact[] = [];
  for (const sentence of reasoning.split(/\.(?: |$)/).filter((text) => text !== "")) {
    if (steps.some((step) => step.test(sentence))) continue;
    const fact = factOf(sentence);
    if (fact === null) throw new Error(`neither fact nor step: ${sentence}`);
    facts.push(fact);
  }
  return facts;
}

function factOf(sentence: string): SaidFact | null {
  for (const [i, form] of forms.entries()) {
    const match = form.exec(sentence);
    if (match === null) continue;
    const parts = match.slice(1);
    const clause = i < 2 ? parts.pop() : parts.shift();
    const [m0, s0, m1, s1] = parts.map(Number);
    return {
      clause: clause ?? "",
      start: (m0 ?? 0) * 60 + (s0 ?? 0),
      end: m1 === undefined ? null : m1 * 60 + (s1 ?? 0),
    };
  }
  return null;
}

/** The facts of a `temporal_grounding`. */
export function factsGrounded(grounding: Record<string, string>): SaidFact[] {
  return Object.entries(grounding).flatMap(([key, sentences]) => {
    const [start, end] = key.split("-").map((text) => {
      const [minutes, seconds] = text.split(":").map(Number);
      return (minutes ?? 0) * 60 + (seconds ?? 0);
    });
    return sentences
      .split(/\.(?: |$)/)
      .filter((text) => text !== "")
      .map((clause) => ({ clause, start: start ?? 0, end: end ?? null }));
  });
}
