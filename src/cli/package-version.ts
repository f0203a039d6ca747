/** The version of this package. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { checkoutSource } from "../base/index.ts";

/** The commit that this copy of the package is a checkout of, or null where it was installed. */
export async function packageCommit(): Promise<string | null> {
  const folder = fileURLToPath(new URL("../..", import.meta.url));
  return (await checkoutSource([folder], folder)).commit;
}

/** As in `package.json`. */
export function packageVersion(): string {
  const file = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(file) as { version: string }).version;
}
