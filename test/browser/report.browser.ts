/** The page that `score --out` writes, in a real browser: read, filtered, searched and clicked like a person does. */

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ScoreSummary } from "../../src/evaluation/index.ts";
import { runCli } from "../run-cli.ts";
import { openBrowser } from "./open-browser.ts";

let folder = "";
let browser: Browser;
let page: Page;
let problems: string[] = [];
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "report-"));
  browser = await openBrowser();
  const { code } = await runCli(["score", "examples/predictions.jsonl", "--out", at("example")]);
  expect(code).toBe(0);
});
afterAll(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  page.on("request", (request) => {
    if (!/^(file|data):/.test(request.url())) problems.push(`asked the network for ${request.url()}`);
  });
});
afterEach(async () => {
  await page.close();
  expect(problems).toEqual([]);
});

const open = (name: string, hash = ""): Promise<unknown> =>
  page.goto(`${pathToFileURL(at(join(name, "report.html")))}${hash}`);
const buttons = () => page.locator(".list button");
const detail = () => page.locator(".detail");

describe("the report of the example", () => {
  it("shows the figures of the summary, each with its count", async () => {
    await open("example");
    const summary = JSON.parse(await readFile(at("example/summary.json"), "utf8")) as ScoreSummary;
    const percent = (value: number | null): string => `${((value ?? 0) * 100).toFixed(1)} %`;
    const card = (name: string) => page.locator(".card", { has: page.getByRole("heading", { name }) });
    for (const [name, figure] of [
      ["Accuracy", summary.accuracy],
      ["TAC", summary.consistencyAccuracy],
      ["Agreement", summary.agreement],
      ["TAR", summary.tar],
    ] as const) {
      expect((await card(name).locator(".value").innerText()).replaceAll("\u00a0", " ")).toBe(
        percent(figure.value),
      );
      expect(await card(name).innerText()).toContain(`n ${figure.n}`);
    }
    expect(await card("VAS").locator(".value").innerText()).toBe("–");
    expect(await card("Accuracy").locator("summary").innerText()).toBe("2 without a score");
    await card("Accuracy").locator("summary").click();
    expect(await card("Accuracy").locator("li").first().innerText()).toContain("cut off");
    expect(await buttons().count()).toBe(summary.outputs);
  });

  it("opens an output, says why it is inconsistent, and lights up what belongs together", async () => {
    await open("example");
    await buttons().filter({ hasText: "kitchen-2" }).click();
    expect(page.url()).toMatch(/#1$/);
    const verdict = detail().locator(".verdict");
    expect(await verdict.innerText()).toContain("the reasoning concludes C, the answer says A");
    expect(await detail().locator("mark.decides").innerText()).toContain("the correct answer is C");

    await buttons().filter({ hasText: "kitchen-1" }).click();
    const claim = detail().locator(".claims li[data-claim]").first();
    const number = await claim.getAttribute("data-claim");
    expect(await detail().locator(".lit").count()).toBe(0);
    await claim.hover();
    const lit = detail().locator(`.lit[data-claim="${number}"]`);
    // In the list, on the time line, and in the reasoning.
    expect(await lit.evaluateAll((nodes) => nodes.map((node) => node.tagName.toLowerCase()))).toEqual(
      expect.arrayContaining(["li", "rect", "mark"]),
    );
    await page.mouse.move(0, 0);
    expect(await detail().locator(".lit").count()).toBe(0);
  });

  it("is found through with search, filter and keys", async () => {
    await open("example");
    await page.keyboard.press("/");
    await page.keyboard.type("kitchen");
    const found = await buttons().count();
    expect(found).toBeGreaterThan(0);
    expect(await page.getByRole("status").innerText()).toBe(`${found} of 12`);
    expect(await buttons().allInnerTexts()).toEqual(
      expect.arrayContaining([expect.stringContaining("kitchen-2")]),
    );
    await page.keyboard.press("Escape");
    const current = (): Promise<string> => page.locator('.list button[aria-current="true"] .id').innerText();
    const first = await current();
    await page.keyboard.press("j");
    expect(await current()).not.toBe(first);
    await page.keyboard.press("k");
    expect(await current()).toBe(first);

    await page.getByLabel("Search questions, reasoning, answers and ids").fill("no such words at all");
    expect(await buttons().count()).toBe(0);
    expect(await detail().innerText()).toContain("Nothing matches");
    await page.getByLabel("Search questions, reasoning, answers and ids").fill("");
    await page.getByLabel("Which outputs").selectOption("truncated");
    expect(await buttons().count()).toBe(1);
    expect(await buttons().innerText()).toContain("cut off");
  });

  it("opens at the output that its address names", async () => {
    await open("example", "#1");
    expect(await detail().locator("article").getAttribute("aria-label")).toBe("output kitchen-2");
  });

  it("fits a telephone, and follows the dark of the system", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.emulateMedia({ colorScheme: "dark" });
    await open("example");
    const { wide, background } = await page.evaluate(() => ({
      wide: document.documentElement.scrollWidth,
      background: getComputedStyle(document.body).backgroundColor,
    }));
    expect(wide).toBeLessThanOrEqual(390);
    const [red = 255, green = 255, blue = 255] = background.match(/\d+/g)?.map(Number) ?? [];
    expect(Math.max(red, green, blue)).toBeLessThan(80);
  });
});

describe("outputs that mean ill", () => {
  it("stay text", async () => {
    await mkdir(at("ill"));
    const attack = `</script><img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
    const row = {
      id: `<b>${attack}</b>`,
      question: attack,
      output: `<think>At 00:03 ${attack} happens. So the answer is A.</think><answer>A</answer>${attack}`,
      options: ["A. x", `B. ${attack}`],
      answer: "A",
      temporal_grounding: { "00:03": attack },
    };
    await writeFile(at("ill/rows.jsonl"), `${JSON.stringify(row)}\n`);
    const { code } = await runCli(["score", at("ill/rows.jsonl"), "--out", at("ill")]);
    expect(code).toBe(0);
    await open("ill");
    expect(await buttons().count()).toBe(1);
    expect(await detail().innerText()).toContain("<img src=x");
    expect(await page.locator("img").count()).toBe(0);
    expect(await page.title()).not.toBe("owned");
  });
});

describe("many outputs", () => {
  it("are listed as one scrolls, and searched without delay", async () => {
    await mkdir(at("many"));
    const rows = Array.from({ length: 5000 }, (_, i) => {
      const sentences = Array.from(
        { length: 8 },
        (_, j) =>
          `At 00:${String(5 * j + (i % 5)).padStart(2, "0")} thing ${i} number ${j} crosses the street and the camera follows it for a while.`,
      );
      return JSON.stringify({
        id: `row-${i}`,
        question: `What happens to thing ${i}?`,
        options: ["it stays", "it leaves", "it falls", "it jumps"],
        answer: "B",
        durationSeconds: 60,
        output: `<think>${sentences.join(" ")} So the answer is ${"ABCD"[i % 4]}.</think><answer>${"ABCD"[(i >> 2) % 4]}</answer>`,
        temporal_grounding: { "00:05": `thing ${i} number 1 crosses the street` },
      });
    });
    await writeFile(at("many/rows.jsonl"), rows.join("\n"));
    const { code } = await runCli(["score", at("many/rows.jsonl"), "--out", at("many")]);
    expect(code).toBe(0);
    const begun = performance.now();
    await open("many");
    const shown = performance.now() - begun;
    expect(await page.getByRole("status").innerText()).toBe("5000 of 5000");
    const few = await buttons().count();
    expect(few).toBeLessThan(600);
    await page.locator(".list").evaluate((list) => list.scrollTo(0, list.scrollHeight));
    await expect.poll(() => buttons().count()).toBeGreaterThan(few);
    const searched = await page.evaluate(() => {
      const box = document.querySelector<HTMLInputElement>("input[type=search]");
      if (box === null) throw new Error("no search");
      const from = performance.now();
      box.value = "thing 4321 ";
      box.dispatchEvent(new Event("input"));
      return performance.now() - from;
    });
    expect(await buttons().allInnerTexts()).toEqual([expect.stringContaining("row-4321")]);
    console.log(`5,000 outputs: page drawn in ${shown.toFixed(0)} ms, searched in ${searched.toFixed(0)} ms`);
  });
});
