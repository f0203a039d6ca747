/** A real browser for the tests of what people look at. */

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

function findChromium(): string {
  const { CHROMIUM, PATH = "" } = process.env;
  const found = [
    ...(CHROMIUM ? [CHROMIUM] : []),
    ...PATH.split(delimiter).flatMap((folder) => names.map((name) => join(folder, name))),
  ].find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (found === undefined)
    throw new Error(
      `CHROMIUM: must be the program of a Chromium, and none of ${names.join(", ")} is on the path`,
    );
  return found;
}

/** Starts the browser without a window. @throws Error where there is none */
export function openBrowser(): Promise<Browser> {
  // In a container the sandbox has nothing to build on, and only pages of our own are opened.
  return chromium.launch({
    executablePath: findChromium(),
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
}
