import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { loadPrompts, parsePrompts } from "./load-prompts.ts";
import { fillPrompt, judgePrompts } from "./prompts.ts";

const collected = "../shared/spec/reference-prompts.json";

it("reads its own prompts back", () => {
  expect(parsePrompts(JSON.stringify(judgePrompts), "own.json")).toEqual(judgePrompts);
});

it("says what is missing or wrong", () => {
  const { number: __, ...earlier } = judgePrompts;
  expect(parsePrompts(JSON.stringify(earlier), "own.json").number).toEqual(judgePrompts.number);
  const { claims: _, ...rest } = judgePrompts;
  expect(() => parsePrompts(JSON.stringify(rest), "p.json")).toThrow(
    /p\.json: must hold all prompts, got claims: missing/,
  );
  expect(() => parsePrompts("{", "p.json")).toThrow(/must be JSON/);
  expect(() => parsePrompts('{"tac": {}, "vas": {}}', "p.json")).toThrow(
    /tac\.answer_mcq: missing.*train_tar: missing/,
  );
  const wrong = (user: string) => JSON.stringify({ ...judgePrompts, equal: { ...judgePrompts.equal, user } });
  expect(() => parsePrompts(wrong("«gold»"), "p.json")).toThrow(/equal must have «answer», got none/);
  expect(() => parsePrompts(wrong("«gold» «answer» «colour»"), "p.json")).toThrow(/got «colour»/);
});

it("turns collected prompts into its own form", () => {
  const messages = (content: string) => [
    { role: "system", content: "S" },
    { role: "user", content },
  ];
  const file = {
    tac: {
      answer_mcq: messages("Options:\nA. «option A»\nB. «option B»\n\nText: «answer text, trimmed»"),
      answer_open: messages("«answer text, trimmed»"),
      think_mcq: messages("«think text, trimmed»"),
      think_open: messages("«think text, trimmed»"),
      "vsi_numeric (both think and answer)": messages("Number in «think or answer text, trimmed»"),
    },
    vas: { system: "V", user: "«row.input» / «response»", retry_suffix_on_last_user_message: " again" },
    train_tar: { system: "T", "user (after .format)": "«think text»" },
    train_consistency_gate: {
      system: "G",
      user: "«question or (none)» «think or (missing)» «answer or (missing)»",
    },
  };
  const prompts = parsePrompts(JSON.stringify(file), "dir/theirs.json");
  expect(prompts.number).toEqual(judgePrompts.number);
  const vsi = { "na_to_float (user)": "«question»: «prediction»?" };
  const withVsi = parsePrompts(JSON.stringify({ ...file, vsi_post_processing: vsi }), "theirs.json");
  expect(withVsi.number).toMatchObject({ system: "", user: "«question»: «answer»?", json: false });
  expect(prompts.version).toMatch(/^theirs\.json [0-9a-f]{8}$/);
  expect(prompts.answered.choice).toMatchObject({
    system: "S",
    user: "Options:\n«options»\n\nText: «answer»",
    json: false,
  });
  expect(prompts.answered.number.user).toBe("Number in «answer»");
  expect(prompts.concluded.number.user).toBe("Number in «think»");
  expect(prompts.attention).toMatchObject({ user: "«prompt» / «response»", reminder: " again" });
  expect(fillPrompt(prompts.consistency.user, { think: "t", answer: " " })).toBe("(none) t (missing)");
});

it.skipIf(!existsSync(collected))("takes the reference's", async () => {
  const prompts = await loadPrompts(collected);
  expect(prompts.concluded.choice.user).toContain("Options:\n«options»\n\nReasoning:\n«think»");
});

it("does not take values for places", () => {
  expect(fillPrompt("«think»|«answer»", { think: "«answer»", answer: "$&" })).toBe("«answer»|$&");
});
