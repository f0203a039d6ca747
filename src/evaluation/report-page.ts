/**
 * The page of the report: draws the figures, the list and the output that is looked at. Runs in the browser, from the
 * source of its functions; `view` holds the functions of `report-view.ts`. Everything that came from a model or a log
 * becomes text nodes, never markup.
 */

import type { Figure } from "../metrics/index.ts";
import type { ReportData, ReportSample } from "./report-data.ts";
import type * as View from "./report-view.ts";

type Child = Node | string | number | null | undefined | false;

/** An element with attributes and children; `on...` attributes are listeners. */
export function make(tag: string, attributes: Record<string, unknown> = {}, ...children: Child[]): Element {
  const svg = ["svg", "path", "rect", "line", "text", "g", "title"].includes(tag);
  const element = svg
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value as EventListener);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children)
    if (child !== null && child !== undefined && child !== false)
      element.append(child instanceof Node ? child : String(child));
  return element;
}

/** A figure as a card: value, interval on a scale, how many and how many not. */
export function figureCard(
  name: string,
  what: string,
  figure: Figure,
  scale: number,
  view: typeof View,
): Element {
  const { value, n, unscored, interval, reasons } = figure;
  const share = (x: number) => `${Math.max(0, Math.min(100, (x / scale) * 100))}%`;
  const shown = value === null ? "–" : scale === 1 ? view.percentOf(value) : value.toFixed(2);
  return make(
    "div",
    { class: `card${value === null ? " none" : ""}` },
    make("h3", {}, name),
    make("div", { class: "value" }, shown),
    value !== null &&
      make(
        "div",
        { class: "scale", "aria-hidden": "true" },
        make("i", { style: `width:${share(value)}` }),
        interval &&
          make("b", {
            style: `left:${share(interval.low)};width:calc(${share(interval.high)} - ${share(interval.low)})`,
          }),
      ),
    make("p", { class: "small" }, what),
    make(
      "p",
      { class: "small" },
      interval &&
        `95 %: ${scale === 1 ? `${(interval.low * 100).toFixed(1)} to ${(interval.high * 100).toFixed(1)}` : `${interval.low.toFixed(2)} to ${interval.high.toFixed(2)}`} · `,
      `n ${n}`,
    ),
    unscored > 0 &&
      make(
        "details",
        { class: "small" },
        make("summary", {}, `${unscored} without a score`),
        make("ul", {}, ...Object.entries(reasons).map(([why, count]) => make("li", {}, `${count}: ${why}`))),
      ),
  );
}

/** Figures by group as a table with bars. */
export function groupTable(title: string, groups: Record<string, Figure>, view: typeof View): Element | null {
  const rows = Object.entries(groups);
  if (rows.length < 2) return null;
  return make(
    "table",
    { class: "groups" },
    make("caption", {}, title),
    make(
      "tbody",
      {},
      ...rows.map(([name, { value, n, unscored }]) =>
        make(
          "tr",
          {},
          make("th", { scope: "row" }, name),
          make("td", { class: "bar" }, make("i", { style: `width:${(value ?? 0) * 100}%` })),
          make("td", { class: "number" }, view.percentOf(value)),
          make("td", { class: "small" }, `n ${n}${unscored ? `, ${unscored} without` : ""}`),
        ),
      ),
    ),
  );
}

/** The part above the list. */
export function summaryPart({ summary, samples }: ReportData, view: typeof View): Element {
  const { settings, confusion } = summary;
  const files = summary.files.map(({ path }) => path.replace(/^.*[/\\]/, ""));
  const tables = [
    groupTable("Accuracy by type of answer", summary.accuracyByType, view),
    groupTable("Accuracy by benchmark", summary.accuracyByBenchmark, view),
    groupTable("Accuracy by kind of question", summary.accuracyByCategory, view),
  ];
  const cell = (text: string, count: number) =>
    make("td", {}, make("strong", {}, count), make("br"), make("span", { class: "small" }, text));
  return make(
    "header",
    {},
    make("h1", {}, files.length > 3 ? `${files.length} files` : files.join(", ")),
    make(
      "p",
      { class: "small" },
      `${summary.outputs} outputs${summary.truncated ? `, ${summary.truncated} cut off` : ""} · judged by ${settings.judge} · claims match within ${settings.deltaSeconds} s at a similarity of ${Number(settings.threshold.toFixed(3))} (${settings.embedder})${settings.compat === "reference" ? " · as the released code computes" : ""}`,
    ),
    summary.outputs > samples.length &&
      make(
        "p",
        { class: "note" },
        `Below stand ${samples.length} of the ${summary.outputs} outputs, chosen at random; the figures are over all.`,
      ),
    make(
      "div",
      { class: "cards" },
      figureCard("Accuracy", "answers that are right", summary.accuracy, 1, view),
      figureCard(
        "TAC",
        "of right answers, reasoning concludes the right one",
        summary.consistencyAccuracy,
        1,
        view,
      ),
      figureCard("Agreement", "answer says what the reasoning concludes", summary.agreement, 1, view),
      figureCard("TAR", "claims found in the reference, where consistent", summary.tar, 1, view),
      figureCard("VAS", "attention to the video, as judged, 0 to 10", summary.attention, 10, view),
      figureCard("Format", "reasoning and answer in their tags", summary.format, 1, view),
    ),
    make(
      "details",
      { class: "more" },
      make("summary", {}, "More figures"),
      make(
        "div",
        { class: "tables" },
        ...tables,
        make(
          "table",
          { class: "confusion" },
          make("caption", {}, "Answer and reasoning"),
          make(
            "tbody",
            {},
            make(
              "tr",
              {},
              cell("both right", confusion.bothRight),
              cell("only the answer right", confusion.answerOnly),
            ),
            make(
              "tr",
              {},
              cell("only the reasoning right", confusion.thinkingOnly),
              cell("both wrong", confusion.bothWrong),
            ),
          ),
        ),
        groupTable(
          "Claims against the reference",
          {
            "precision, before the gate": summary.claimPrecision,
            recall: summary.claimRecall,
            F1: summary.claimF1,
          },
          view,
        ),
      ),
    ),
  );
}

/** Small coloured words that say how an output did. */
export function badges({ accuracy, consistent, tar, truncated, output, think }: ReportSample): Element[] {
  const badge = (kind: string, text: string, title: string) =>
    make("span", { class: `badge ${kind}`, title }, text);
  if (truncated !== null) return [badge("none", "cut off", truncated)];
  if (output === null && think === null && accuracy.score === null)
    return [badge("none", "unscored", accuracy.reason)];
  const found: Element[] = [];
  const { score } = accuracy;
  if (score === null) found.push(badge("none", "no score", accuracy.reason));
  else if (score === 1) found.push(badge("good", "right", "the answer is right"));
  else found.push(badge("bad", score === 0 ? "wrong" : score.toFixed(2), "how right the answer is"));
  if (consistent.value === false) found.push(badge("bad", "inconsistent", consistent.why));
  if (tar.score !== null)
    found.push(
      badge(
        tar.score === 1 ? "good" : tar.score > 0 ? "fair" : "bad",
        `TAR ${tar.score.toFixed(2)}`,
        "temporal alignment",
      ),
    );
  return found;
}

/** The time line of a sample as a drawing; hovering or focusing a claim lights it up everywhere. */
export function timelineDrawing(sample: ReportSample, view: typeof View): Element | null {
  const line = view.timelineOf(sample);
  if (line === null) return null;
  const [width, side, bar, row] = [1000, 92, 14, 20];
  const x = (share: number) => side + share * (width - side - 14);
  const top = 8;
  const saidHeight = Math.max(1, line.lanes.said) * row;
  const gap = line.matches.length > 0 ? 46 : 14;
  const referenceTop = top + saidHeight + gap;
  const referenceHeight = sample.references === null ? 0 : Math.max(1, line.lanes.reference) * row;
  const axis = referenceTop + referenceHeight + 4;
  const height = axis + 24;
  const y = {
    said: (lane: number) => top + saidHeight - (lane + 1) * row,
    reference: (lane: number) => referenceTop + lane * row,
  };
  const centre = (at: { left: number; width: number }) => x(at.left + at.width / 2);
  const rect = (kind: "said" | "reference", at: View.Bar) => {
    const claim = (kind === "said" ? sample.claims : (sample.references ?? []))[at.index];
    if (claim === undefined) return null;
    const match = line.matches.find((m) => (kind === "said" ? m.predicted : m.reference) === at.index);
    return make(
      "rect",
      {
        class: `${kind} ${at.matched ? "matched" : "alone"}`,
        x: x(at.left),
        y: y[kind](at.lane),
        width: Math.max(6, at.width * (width - side - 14)),
        height: bar,
        rx: 3,
        tabindex: 0,
        role: "img",
        "aria-label": `${kind === "said" ? "said" : "reference"} ${view.spanOf(claim)}: ${claim.text}`,
        "data-claim": kind === "said" ? at.index : match ? match.predicted : null,
        "data-reference": kind === "reference" ? at.index : match ? match.reference : null,
      },
      make("title", {}, `${view.spanOf(claim)}  ${claim.text}`),
    );
  };
  const curves = line.matches.map((match) => {
    const a = line.said.find(({ index }) => index === match.predicted);
    const b = line.reference.find(({ index }) => index === match.reference);
    if (!a || !b) return null;
    const [x1, y1, x2, y2] = [centre(a), y.said(a.lane) + bar, centre(b), y.reference(b.lane)];
    const middle = (y1 + y2) / 2;
    return make(
      "g",
      { class: "match", "data-claim": match.predicted, "data-reference": match.reference },
      make("path", { d: `M${x1} ${y1} C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}` }),
      make("text", { x: (x1 + x2) / 2 + 5, y: middle + 4 }, match.similarity.toFixed(2)),
    );
  });
  return make(
    "svg",
    {
      class: "timeline",
      viewBox: `0 0 ${width} ${height}`,
      role: "group",
      "aria-label": "Claims on the time line",
    },
    ...line.ticks.map(({ at }) => make("line", { class: "grid", x1: x(at), x2: x(at), y1: top, y2: axis })),
    make("text", { class: "label", x: 0, y: y.said(0) + 11 }, "said"),
    sample.references !== null && make("text", { class: "label", x: 0, y: y.reference(0) + 11 }, "reference"),
    sample.claims.length === 0 &&
      make("text", { class: "label", x: side, y: y.said(0) + 11 }, "no time is cited"),
    ...curves,
    ...line.said.map((at) => rect("said", at)),
    ...line.reference.map((at) => rect("reference", at)),
    make("line", { class: "axis", x1: x(0), x2: x(1), y1: axis, y2: axis }),
    ...line.ticks.map(({ at, label }) => make("text", { class: "tick", x: x(at), y: axis + 16 }, label)),
  );
}

/** The claims one below the other, each with what became of it. */
export function claimList(sample: ReportSample, view: typeof View): Element | null {
  const { claims, references, alignment } = sample;
  if (claims.length === 0 && references === null) return null;
  const matchOf = (i: number) => alignment?.matches.find(({ predicted }) => predicted === i);
  const taken = new Set(alignment?.matches.map(({ reference }) => reference));
  const missed = (references ?? []).map((claim, i) => ({ claim, i })).filter(({ i }) => !taken.has(i));
  const because = (i: number) => alignment?.explained[i]?.replace(/^.*?: (?=matches |no match)/s, "") ?? "";
  return make(
    "div",
    {},
    make(
      "ol",
      { class: "claims" },
      ...claims.map((claim, i) => {
        const match = matchOf(i);
        return make(
          "li",
          {
            "data-claim": i,
            "data-reference": match?.reference,
            class: alignment ? (match ? "matched" : "alone") : "",
          },
          make("b", {}, view.spanOf(claim)),
          ` ${claim.text} `,
          alignment && make("span", { class: "small" }, because(i)),
        );
      }),
    ),
    missed.length > 0 &&
      make(
        "details",
        { class: "small" },
        make("summary", {}, `${missed.length} of ${references?.length} reference claims matched by none`),
        make(
          "ul",
          { class: "claims" },
          ...missed.map(({ claim, i }) =>
            make("li", { "data-reference": i }, make("b", {}, view.spanOf(claim)), ` ${claim.text}`),
          ),
        ),
      ),
  );
}

/** The options, or the gold answer, beside what was answered and concluded. */
export function answerPart(sample: ReportSample): Element {
  const { options, gold, answer, concluded } = sample;
  const letter = /^\W*([A-Z])\b/.exec(answer ?? "")?.[1] ?? null;
  const given = options.some((o) => o.letter === letter)
    ? letter
    : (options.find((o) => o.text.toLowerCase() === answer?.toLowerCase())?.letter ?? null);
  const tags = (at: string) => [
    at === gold && make("span", { class: "badge good" }, "gold"),
    at === given && make("span", { class: "badge plain" }, "answered"),
    at === concluded.value && make("span", { class: "badge plain" }, "concluded"),
  ];
  if (options.length > 0)
    return make(
      "ul",
      { class: "options" },
      ...options.map((option) =>
        make(
          "li",
          { class: option.letter === gold ? "gold" : "" },
          make("b", {}, option.letter),
          ` ${option.text} `,
          ...tags(option.letter),
        ),
      ),
      given === null &&
        make("li", { class: "small" }, answer === null ? "no answer" : `answered: ${answer || "nothing"}`),
    );
  return make(
    "dl",
    { class: "facts" },
    make("dt", {}, "answered"),
    make("dd", {}, answer ?? "nothing"),
    make("dt", {}, "gold"),
    make("dd", {}, gold ?? "not known"),
    make("dt", {}, "concluded"),
    make("dd", {}, concluded.value ?? "nothing that could be told"),
  );
}

/** Why the sample got its scores. */
export function verdictPart(sample: ReportSample): Element {
  const { accuracy, consistent, concluded, tar, attention, problems, truncated, logged } = sample;
  const rows: [string, string, string][] = [];
  const shown = (score: number) => (score === 1 ? "yes" : score === 0 ? "no" : score.toFixed(2));
  rows.push(["Right", accuracy.score === null ? "–" : shown(accuracy.score), accuracy.reason ?? ""]);
  const verdict = consistent.value === null ? "cannot tell" : consistent.value ? "yes" : "no";
  rows.push(["Consistent", verdict, consistent.why || concluded.why]);
  rows.push(["TAR", tar.score === null ? "–" : tar.score.toFixed(2), tarWords(sample)]);
  if (attention.value !== null) rows.push(["VAS", `${attention.value} of 10`, attention.why]);
  if (truncated !== null) rows.push(["Whole", "no", truncated]);
  if (problems.length > 0) rows.push(["Format", "", problems.join(", ")]);
  if (logged !== null && (logged.score !== null || logged.answer !== null))
    rows.push([
      "The log says",
      logged.score === null ? "" : shown(logged.score),
      logged.answer === null ? "" : `read ${logged.answer}`,
    ]);
  return make(
    "table",
    { class: "verdict" },
    make(
      "tbody",
      {},
      ...rows.map(([name, value, why]) =>
        make(
          "tr",
          {
            class:
              value === "no" || value === "0.00" ? "bad" : value === "yes" || value === "1.00" ? "good" : "",
          },
          make("th", { scope: "row" }, name),
          make("td", {}, value),
          make("td", { class: "small" }, why),
        ),
      ),
    ),
  );
}

/** How TAR came about, in words. */
export function tarWords({ alignment, claims, references, tar, consistent }: ReportSample): string {
  if (alignment === null) return tar.reason ?? "";
  const matched = `${alignment.matches.length} of ${claims.length} claims match one of ${references?.length ?? 0}`;
  if (tar.score === null) return `${matched}, but ${tar.reason}`;
  return alignment.precision > 0 && consistent.value === false
    ? `${matched}, but the trace is inconsistent`
    : matched;
}

/** One sample in full. */
export function samplePart(sample: ReportSample, view: typeof View): Element {
  const { id, benchmark, category, video, file, line, question, think, marks, output } = sample;
  const where = [benchmark, category, video, `${file.replace(/^.*[/\\]/, "")}:${line}`]
    .filter(Boolean)
    .join(" · ");
  return make(
    "article",
    { tabindex: -1, "aria-label": `output ${id}` },
    make("p", { class: "small" }, make("b", {}, id), " · ", where),
    make("h2", {}, question || "(the log does not hold the question)"),
    make("div", {}, ...badges(sample)),
    answerPart(sample),
    verdictPart(sample),
    timelineDrawing(sample, view),
    claimList(sample, view),
    think !== null &&
      make(
        "section",
        {},
        make("h3", {}, "Reasoning"),
        make(
          "div",
          { class: "think" },
          ...view.segmentsOf(think, marks).map((segment) =>
            segment.claim === null && !segment.decides
              ? segment.text
              : make(
                  "mark",
                  {
                    class: `${segment.claim === null ? "" : "claim"} ${segment.decides ? "decides" : ""}`,
                    "data-claim": segment.claim,
                    title: segment.decides ? "the words that decide what is concluded" : null,
                  },
                  segment.text,
                ),
          ),
        ),
      ),
    output !== null &&
      make(
        "details",
        { open: think === null },
        make("summary", {}, "Output as it came"),
        make("pre", {}, output),
      ),
  );
}

/** Draws the page and follows what is done on it. */
export function startReport(data: ReportData, view: typeof View): void {
  const { samples } = data;
  const texts = samples.map(view.searchText);
  const choice: View.Choice = { text: "", filter: "all", benchmark: "", sort: "order" };
  let listed: number[] = [];
  let drawn = 0;
  let current = -1;
  const chunk = 100;

  const list = make("ol", { class: "list", "aria-label": "Outputs" }) as HTMLElement;
  const count = make("p", { class: "small", role: "status" });
  const detail = make("div", { class: "detail" }) as HTMLElement;
  const more = make("li", { class: "more small" }, "...");

  const rowOf = (i: number) => {
    const sample = samples[i] as ReportSample;
    return make(
      "li",
      {},
      make(
        "button",
        { type: "button", "data-at": i, "aria-current": String(i === current), onclick: () => show(i) },
        make("span", { class: "id" }, sample.id),
        make("span", { class: "marks" }, ...badges(sample)),
        make("span", { class: "question" }, sample.question || sample.answer || "(no question)"),
      ),
    );
  };
  const drawMore = () => {
    const next = listed.slice(drawn, drawn + chunk);
    drawn += next.length;
    more.remove();
    list.append(...next.map(rowOf));
    if (drawn < listed.length) list.append(more);
  };
  const refresh = () => {
    listed = view.chooseSamples(samples, choice, texts);
    drawn = 0;
    list.replaceChildren();
    list.scrollTop = 0;
    drawMore();
    count.textContent = `${listed.length} of ${samples.length}`;
    if (!listed.includes(current)) show(listed[0] ?? -1, false);
  };
  const show = (i: number, scroll = true) => {
    current = i;
    const sample = samples[i];
    detail.replaceChildren(
      sample
        ? samplePart(sample, view)
        : make("p", { class: "empty" }, "Nothing matches. Widen the filter or clear the search."),
    );
    detail.scrollTop = 0;
    while (sample && listed.indexOf(i) >= drawn && drawn < listed.length) drawMore();
    list.querySelectorAll("button").forEach((button) => {
      const here = button.dataset.at === String(i);
      button.setAttribute("aria-current", String(here));
      if (here) button.scrollIntoView({ block: "nearest" });
    });
    if (sample && scroll) history.replaceState(null, "", `#${i}`);
  };
  const step = (by: number) => {
    const at = Math.max(0, Math.min(listed.length - 1, listed.indexOf(current) + by));
    if (listed[at] !== undefined) show(listed[at]);
  };

  const select = (name: string, options: [string, string][], set: (value: string) => void) =>
    make(
      "select",
      {
        "aria-label": name,
        onchange: (event: Event) => {
          set((event.target as HTMLSelectElement).value);
          refresh();
        },
      },
      ...options.map(([value, text]) => make("option", { value }, text)),
    );
  const counted = (value: string, text: string): [string, string][] => {
    const n = samples.filter((sample) => view.passes(sample, value)).length;
    return n > 0 ? [[value, `${text} (${n})`]] : [];
  };
  const benchmarks = [...new Set(samples.flatMap(({ benchmark }) => benchmark ?? []))].sort();
  const search = make("input", {
    type: "search",
    placeholder: "Search  ( / )",
    "aria-label": "Search questions, reasoning, answers and ids",
    oninput: (event: Event) => {
      choice.text = (event.target as HTMLInputElement).value;
      refresh();
    },
  }) as HTMLInputElement;
  const tools = make(
    "div",
    { class: "tools" },
    search,
    select(
      "Which outputs",
      [
        ["all", `all outputs (${samples.length})`],
        ...counted("wrong", "wrong"),
        ...counted("right", "right"),
        ...counted("inconsistent", "inconsistent"),
        ...counted("lucky", "right, but inconsistent"),
        ...counted("untold", "consistency cannot be told"),
        ...counted("ungrounded", "TAR below 1"),
        ...counted("truncated", "cut off"),
        ...counted("unscored", "without an accuracy"),
        ...counted("differs", "scored otherwise in the log"),
      ],
      (value) => {
        choice.filter = value;
      },
    ),
    benchmarks.length > 1 &&
      select(
        "Benchmark",
        [["", "all benchmarks"], ...benchmarks.map((b): [string, string] => [b, b])],
        (value) => {
          choice.benchmark = value;
        },
      ),
    select(
      "Order",
      [
        ["order", "log order"],
        ["tar", "lowest TAR first"],
        ["claims", "most claims first"],
        ["length", "longest reasoning first"],
      ],
      (value) => {
        choice.sort = value;
      },
    ),
    count,
  );

  const light = (event: Event, on: boolean) => {
    const target = (event.target as Element).closest?.("[data-claim],[data-reference]");
    if (!target) return;
    for (const name of ["data-claim", "data-reference"]) {
      const value = target.getAttribute(name);
      if (value === null) continue;
      detail.querySelectorAll(`[${name}="${value}"]`).forEach((other) => {
        other.classList.toggle("lit", on);
      });
    }
  };
  for (const [name, on] of [
    ["mouseover", true],
    ["mouseout", false],
    ["focusin", true],
    ["focusout", false],
  ] as const)
    detail.addEventListener(name, (event) => light(event, on));
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    if (event.key === "Escape" && event.target === search) search.blur();
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") search.focus();
    else if (event.key === "j" || event.key === "ArrowDown") step(1);
    else if (event.key === "k" || event.key === "ArrowUp") step(-1);
    else return;
    event.preventDefault();
  });
  new IntersectionObserver(
    (entries) => {
      if (entries.some((entry) => entry.isIntersecting)) drawMore();
    },
    { root: list, rootMargin: "400px" },
  ).observe(more);

  const app = document.getElementById("app") as HTMLElement;
  app.replaceChildren(
    summaryPart(data, view),
    make(
      "main",
      {},
      make(
        "div",
        { class: "side" },
        tools,
        list,
        make("p", { class: "small keys" }, "j, k or arrows: next, previous · /: search"),
      ),
      detail,
    ),
  );
  refresh();
  const wanted = Number(location.hash.slice(1));
  if (location.hash !== "" && Number.isInteger(wanted) && samples[wanted]) show(wanted, false);
}
