/**
 * What a judge model is told. A change of any word needs a new `version`: it is part of the cache's keys and is
 * printed with every number. Places for values are written «name».
 */

/** How a reply is sampled. */
export interface JudgeSampling {
  /** 0 takes the likeliest token. */
  temperature: number;
  /** Share of probability that is sampled from; 1 or absent for all. */
  topP?: number | undefined;
  /** Tokens that are sampled from; absent for all. Only vLLM, SGLang and the like know it. */
  topK?: number | undefined;
  /** Longest reply, in tokens. */
  maxTokens: number;
  /** Sent as the seed of the request; absent for none. */
  seed?: number | undefined;
  /** Values for the chat template, such as `{enable_thinking: false}`. Only vLLM, SGLang and the like know it. */
  template?: Record<string, unknown> | undefined;
}

/** One question to a judge model. */
export interface JudgePrompt {
  /** The system message; none where empty. */
  system: string;
  /** The user's message. */
  user: string;
  /** What is added to the user's message where the first reply could not be read; not asked again where empty. */
  reminder: string;
  /** How the reply is sampled. */
  sampling: JudgeSampling;
  /** Whether the reply is to be the JSON object that our own prompts ask for; servers that can enforce it are asked to. */
  json: boolean;
}

/** One prompt for each form of answer; `number` and `open` are for questions without options. */
export interface FormPrompts {
  /** For questions with options. */
  choice: JudgePrompt;
  /** For numbers. */
  number: JudgePrompt;
  /** For everything else. */
  open: JudgePrompt;
}

/** All questions to a judge model. */
export interface JudgePrompts {
  /** Names these texts in reports. */
  version: string;
  /** What the reasoning concludes. */
  concluded: FormPrompts;
  /** What the answer says. */
  answered: FormPrompts;
  /** Whether the two agree. */
  consistency: JudgePrompt;
  /** What happens when, as the reasoning has it. */
  claims: JudgePrompt;
  /** How much the reasoning attends to the video. */
  attention: JudgePrompt;
  /** Whether two answers mean the same. */
  equal: JudgePrompt;
  /** The number that an answer gives. */
  number: JudgePrompt;
}

const ask = (system: string, user: string, maxTokens: number): JudgePrompt => ({
  system,
  user,
  reminder:
    "\n\nYour last reply could not be read. Send the JSON object alone, complete, with nothing around it.",
  sampling: { temperature: 0, maxTokens, seed: 0 },
  json: true,
});

const asked = "Question:\n«question»\n";
const withOptions = `${asked}\nOptions:\n«options»\n`;

const reader =
  "You read notes that a person wrote while watching a video. You have not seen the video and need not know whether the notes are right. You report what they say.";

const concluded = (form: string, ask_: string) =>
  ask(
    reader,
    `${form}
Notes:
"""
«think»
"""

${ask_} Where the writer changed their mind, what counts is where they ended up. Where they never settle on anything, or settle on several, use null; do not pick for them.

Reply with JSON: {"words": the sentence of the notes that settles it, copied exactly, or null, "conclusion": `,
    300,
  );

const after = (prompt: JudgePrompt, text: string): JudgePrompt => ({ ...prompt, user: prompt.user + text });

const answered = (form: string, result: string) =>
  ask(
    "You tidy up answers to a quiz. You never correct them.",
    `${form}
What the candidate handed in:
"""
«answer»
"""

Write the same answer in standard form. Where it names nothing, or more than one thing, use null.

Reply with JSON: {"answer": ${result}}`,
    120,
  );

/** Our own prompts. */
export const judgePrompts: JudgePrompts = {
  version: "v1",
  concluded: {
    choice: after(
      concluded(
        withOptions,
        "Which option do these notes arrive at? An option may be meant by its letter, by its text, or by a description that fits it and no other.",
      ),
      "the option's letter, or null}",
    ),
    number: after(
      concluded(asked, "Which number do these notes arrive at?"),
      "the number in digits, or null}",
    ),
    open: after(
      concluded(
        asked,
        "Which answer to the question do these notes arrive at? Keep it as short as an answer can be.",
      ),
      "the answer, or null}",
    ),
  },
  answered: {
    choice: answered(withOptions, "the letter of the option that is meant, or null"),
    number: answered(asked, "the number in digits, without its unit, or null"),
    open: answered(asked, "the answer in as few words as it needs, or null"),
  },
  consistency: ask(
    "You compare a person's notes on a video with the answer the person then handed in. Whether either is right is not your concern; only whether the notes lead to that answer.",
    `${asked}«options»

Notes:
"""
«think»
"""

Answer handed in:
"""
«answer»
"""

Say
- "consistent" if someone who follows the notes to their end would hand in this answer,
- "inconsistent" if they would hand in another one,
- "unclear" if the notes end without deciding.
A letter and the text of its option are the same answer; so are two ways to write one number or one time.

Reply with JSON: {"words": the sentence of the notes that decides it, copied exactly, or null, "verdict": "consistent", "inconsistent" or "unclear"}`,
    300,
  ),
  claims: ask(
    "You index notes on a video: which moments they mention, and what they say is seen or heard then. You add nothing of your own.",
    `Notes:
"""
«think»
"""

The video is «duration» long. List every moment or stretch of the video for which the notes say what happens in it. Leave out moments about which they say nothing, times of day, scores, dates and durations.
- "start" and "end" are seconds from the beginning of the video, as numbers; for a single moment they are equal. "At the end" is the video's last second, if its length is known.
- "text" is what happens, in the notes' own words where possible, at most fifteen of them, without the time.
- One entry for each event; an event told twice is one entry.

Reply with JSON: {"claims": [{"start": 0, "end": 0, "text": ""}]}, with an empty list if there is none.`,
    1024,
  ),
  attention: ask(
    "You rate how closely a piece of reasoning looks at a video. You cannot see the video: you rate what the reasoning shows of looking, not whether it is right.",
    `The task that was set:
"""
«prompt»
"""

The reasoning:
"""
«think»
"""

Ask yourself: if the video were swapped for another one, how much of this reasoning would have to be rewritten? Looking shows in things that only a viewer could write: who or what is where, what it looks like, what moves and in which order, what a sign reads, what is seen at which time, and in drawing on these for the conclusion. It does not show in repeating the question or the options, in general knowledge, in what is likely, in phrases such as "watching the video" that nothing follows, or in times without events.

Points:
0: nothing would have to be rewritten
2: a word or two that may come from the video
4: some particulars, loosely tied to the conclusion
6: several particulars that the conclusion rests on
8: particulars at most steps, with place, order or time
10: every step rests on particulars of this video, with place and time
Odd numbers lie between.

Reply with JSON: {"rationale": one or two sentences naming what weighed most, "score": a whole number from 0 to 10}`,
    300,
  ),
  equal: ask(
    "You mark answers to questions about videos.",
    `${asked}
The key says:
"""
«gold»
"""

The candidate says:
"""
«answer»
"""

Would a fair marker accept the candidate's answer as meaning what the key says? Wording, order, units written differently and harmless additions do not matter; a different thing, number, person, place or order does, and so does hedging between answers.

Reply with JSON: {"equal": true or false}`,
    60,
  ),
  number: ask(
    "You copy amounts out of answers. You never work anything out and never correct anything.",
    `${asked}
The answer that was handed in:
"""
«answer»
"""

Which amount does it give in reply to the question? Number words become digits. Of an amount in two units take the unit that the question asks for; convert nothing. Where the answer gives no amount, or several without settling on one, use null.

Reply with JSON: {"value": the number, or null}`,
    60,
  ),
};

/** What can stand between « and » in a prompt. */
export const placeNames = [
  "question",
  "options",
  "think",
  "answer",
  "prompt",
  "response",
  "gold",
  "duration",
] as const;

/** A value for each place. */
export type PlaceValues = Partial<Record<(typeof placeNames)[number], string>>;

const place = /«(\w+)(?: or ([^»]*))?»/g;

/**
 * Puts values in their places, in one pass: a « in a value is text. `«name or this»` becomes `this` where the
 * value is missing or blank; `«name»` becomes empty.
 */
export function fillPrompt(template: string, values: PlaceValues): string {
  return template.replace(place, (_, name: keyof PlaceValues, otherwise?: string) =>
    otherwise !== undefined && !values[name]?.trim() ? otherwise : (values[name] ?? ""),
  );
}
