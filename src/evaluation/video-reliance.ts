/**
 * How much a trace rests on the video, by intervention: how much less likely its reasoning and its answer become when
 * the video is replaced by another one, is blanked, or loses only the seconds that the trace cites. Attention says where
 * a model looked; this says whether it mattered.
 */

import {
  type HostParams,
  LogProbs,
  type Prompt,
  type Qwen25VL,
  type VisionInput,
  withTarget,
} from "../nn/index.ts";
import { mean } from "../stats/index.ts";
import { parseTrace, type Trace } from "../trace/index.ts";
import { trainBatch } from "../training/index.ts";
import { isCited, type PatchTime } from "./attention-share.ts";

/** What is done to the video. */
export const interventions = ["swapped", "blanked", "cited", "uncited"] as const;

/**
 * - `swapped`: another video in its place.
 * - `blanked`: every frame is the model's idea of nothing, the mean pixel.
 * - `cited`: only the frames within the seconds that the trace cites are blanked.
 * - `uncited`: as many other frames are, spread evenly: what `cited` is to be compared with.
 */
export type Intervention = (typeof interventions)[number];

/** Means over tokens of log-probabilities, in nats. */
export interface PartLogProbs {
  /** Of the tokens up to the end of the reasoning. */
  reasoning: number;
  /** Of the tokens of the answer, given the reasoning as it is. */
  answer: number;
}

/** A trace and what it rests on. */
export interface VideoReliance {
  /** With the video as it is. */
  whole: PartLogProbs;
  /**
   * Nats per token that reasoning and answer lose by each intervention: 0 where the video did not matter, more the more
   * it did. Null where the intervention is not possible: no other video, or no frame cited, or all of them.
   */
  loss: Record<Intervention, PartLogProbs | null>;
}

/** What is measured. */
export interface RelianceRequest {
  /** The prompt, with one video. */
  prompt: Prompt;
  /** The tokens of the trace, as generated. */
  ids: readonly number[];
  /** The text of each of them. */
  pieces: readonly string[];
  /** When each temporal patch of the video is. */
  patches: readonly PatchTime[];
  /** Another video of the same shape; default none. */
  other?: VisionInput | undefined;
  /** What is done to the video; the rest is null. Default all. */
  interventions?: readonly Intervention[];
}

/** Measures traces of one model. */
export class VideoRelianceMeter {
  readonly #model: Qwen25VL;
  readonly #logProbs: LogProbs;

  /** @param params the model's parameters */
  constructor(model: Qwen25VL, params: HostParams, options: { threads?: number } = {}) {
    this.#model = model;
    this.#logProbs = new LogProbs({ ...options, config: model.config, params: Object.fromEntries(params) });
  }

  /** Measures one trace; all interventions go through the network together. */
  async measure(request: RelianceRequest): Promise<VideoReliance> {
    const { prompt, ids, pieces, patches, other, interventions: asked = interventions } = request;
    const [video] = prompt.vision ?? [];
    if (video === undefined) throw new RangeError("prompt: must hold a video, got none");
    const text = pieces.join("");
    const trace = parseTrace(text);
    const cited = citedPatches(trace, patches);
    const changed: Record<Intervention, VisionInput | null> = {
      swapped: other === undefined ? null : { ...video, pixelValues: sameShape(video, other) },
      blanked: blank(video, () => true),
      cited: cited.size === 0 || cited.size === patches.length ? null : blank(video, (i) => cited.has(i)),
      uncited: uncited(video, cited, patches.length),
    };
    const wanted = asked.filter((name) => changed[name] !== null);
    const prompts = [video, ...wanted.map((name) => changed[name] as VisionInput)].map((vision) =>
      withTarget({ ids: prompt.ids, vision: [vision] }, ids),
    );
    const batch = trainBatch(this.#model, prompts, 64);
    const logProbs = await this.#logProbs.of(batch);
    const width = batch.targets.ids.shape[1] as number;
    const parts = prompts.map((_, row) =>
      meansOf(logProbs.subarray(row * width, row * width + ids.length), pieces, text, trace),
    );
    const whole = parts[0] as PartLogProbs;
    const loss = (name: Intervention): PartLogProbs | null => {
      const found = parts[wanted.indexOf(name) + 1];
      if (!wanted.includes(name) || found === undefined) return null;
      return { reasoning: whole.reasoning - found.reasoning, answer: whole.answer - found.answer };
    };
    return {
      whole,
      loss: {
        swapped: loss("swapped"),
        blanked: loss("blanked"),
        cited: loss("cited"),
        uncited: loss("uncited"),
      },
    };
  }

  /** Frees the programs; the model stays. */
  dispose(): Promise<void> {
    return this.#logProbs.dispose();
  }
}

/** The temporal patches that a trace's claims cite. */
function citedPatches({ claims }: Trace, patches: readonly PatchTime[]): Set<number> {
  return new Set(patches.flatMap((patch, i) => (claims.some((claim) => isCited(patch, claim)) ? [i] : [])));
}

/** As many patches blanked as are cited, but others, evenly spread; null where there are not as many others. */
function uncited(video: VisionInput, cited: ReadonlySet<number>, count: number): VisionInput | null {
  const others = Array.from({ length: count }, (_, i) => i).filter((i) => !cited.has(i));
  if (cited.size === 0 || others.length < cited.size) return null;
  const chosen = new Set(
    Array.from(cited, (_, i) => others[Math.floor(((i + 0.5) * others.length) / cited.size)] as number),
  );
  return blank(video, (i) => chosen.has(i));
}

/** The video with some temporal patches at 0, the mean pixel of normalised values. */
function blank(video: VisionInput, isBlank: (patch: number) => boolean): VisionInput {
  const pixelValues = video.pixelValues.slice();
  const [count] = video.grid;
  const each = pixelValues.length / count;
  for (let patch = 0; patch < count; patch++)
    if (isBlank(patch)) pixelValues.fill(0, patch * each, (patch + 1) * each);
  return { ...video, pixelValues };
}

function sameShape(video: VisionInput, other: VisionInput): Float32Array {
  if (other.grid.some((size, i) => size !== video.grid[i]))
    throw new RangeError(`other: must be of the grid ${video.grid.join("x")}, got ${other.grid.join("x")}`);
  return other.pixelValues;
}

/** Means over the tokens before and after the end of the reasoning. */
function meansOf(
  logProbs: Float32Array,
  pieces: readonly string[],
  text: string,
  trace: Trace,
): PartLogProbs {
  const think = trace.think ?? "";
  const end = think === "" ? 0 : text.indexOf(think) + think.length;
  let at = 0;
  const [reasoning, answer]: [number[], number[]] = [[], []];
  logProbs.forEach((value, i) => {
    (at < end ? reasoning : answer).push(value);
    at += (pieces[i] ?? "").length;
  });
  return { reasoning: mean(reasoning) ?? 0, answer: mean(answer) ?? 0 };
}
