import { expect, it } from "vitest";
import { LexicalEmbedder } from "../judges/index.ts";
import { type Ballot, countVotes } from "./vote.ts";

const claim = (startSeconds: number, text: string) => ({ startSeconds, endSeconds: startSeconds, text });
const star = claim(3, "a blue star appears");
const ring = claim(8, "a green ring appears");
const ballot = (
  answer: string | null,
  consistency: Ballot["consistency"] = "consistent",
  ...claims: Ballot["claims"][number][]
): Ballot => ({ answer, consistency, claims });
const count = (...ballots: Ballot[]) => countVotes(ballots, { embedder: new LexicalEmbedder() });

it("gives the vote to consistent answers alone", async () => {
  const vote = await count(ballot("A", "inconsistent"), ballot("A", "unknown"), ballot("B"), ballot(null));
  expect(vote).toEqual({
    electorate: "consistent",
    candidates: [{ answer: "B", ballots: [2], weight: 1 }],
    grounding: [null, null, 0, null],
    chosen: 2,
  });
});

it("falls back on answers that cannot be told, then on all that answer", async () => {
  expect(await count(ballot("A", "inconsistent"), ballot("B", "unknown"))).toMatchObject({
    electorate: "unknown",
    chosen: 1,
  });
  expect(await count(ballot("A", "inconsistent"), ballot(null))).toMatchObject({
    electorate: "all",
    chosen: 0,
  });
  expect(await count(ballot(null), ballot(null))).toEqual({
    electorate: "none",
    candidates: [],
    grounding: [null, null],
    chosen: null,
  });
});

it("counts for more what others saw too: 1 of 2 voters each makes all claims of the first", async () => {
  const vote = await count(
    ballot("B", "consistent", ring),
    ballot("A", "consistent", star),
    ballot("A", "consistent", star, claim(9, "a white cross appears")),
    ballot("B", "consistent", claim(20, "a red square appears")),
  );
  // The star's claim is made by one of three others: 1/3; half of the third's claims by one of three: 1/6.
  expect(vote.grounding[0]).toBe(0);
  expect(vote.grounding[1]).toBeCloseTo(1 / 3, 9);
  expect(vote.grounding[2]).toBeCloseTo(1 / 6, 9);
  expect(vote.candidates.map(({ answer }) => answer)).toEqual(["A", "B"]);
  expect(vote.candidates[0]?.weight).toBeCloseTo(2.5, 9);
  expect(vote.chosen).toBe(1);
});

it("takes the first of equals, and a majority over grounding", async () => {
  expect((await count(ballot("A"), ballot("B"))).chosen).toBe(0);
  const vote = await count(
    ballot("A"),
    ballot("A"),
    ballot("A"),
    ballot("B", "consistent", star),
    ballot("C", "consistent", star),
  );
  expect(vote.candidates.map(({ answer, weight }) => [answer, weight])).toEqual([
    ["A", 3],
    ["B", 1.25],
    ["C", 1.25],
  ]);
});
