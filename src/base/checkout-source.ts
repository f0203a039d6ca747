/** Which repository and commit a folder is of, as far as its `.git` tells without git. */

import { readFile, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";

/** Where files come from. */
export interface CheckoutSource {
  /** The repository's name, the folder's where it is not known. */
  name: string;
  /** The address of `origin`, without names and passwords in it. */
  url: string | null;
  commit: string | null;
}

const readText = (path: string) => readFile(path, "utf8").catch(() => null);

/** The folder that git keeps its data in: `.git`, or where a `.git` file points. */
async function gitFolder(folder: string): Promise<string | null> {
  const path = join(folder, ".git");
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory()) return path;
  const pointed = /^gitdir: (.+)$/m.exec((await readText(path)) ?? "")?.[1];
  return pointed === undefined ? null : resolve(folder, pointed.trim());
}

/** The commit of HEAD: in it, in a file of its branch, or in the packed ones. */
async function commitOf(git: string, shared: string): Promise<string | null> {
  const head = (await readText(join(git, "HEAD")))?.trim() ?? "";
  const branch = /^ref: (.+)$/.exec(head)?.[1];
  if (branch === undefined) return /^[\da-f]{40,64}$/.test(head) ? head : null;
  const loose = (await readText(join(shared, branch)))?.trim();
  if (loose) return loose;
  const packed = (await readText(join(shared, "packed-refs"))) ?? "";
  return (
    packed
      .split("\n")
      .find((line) => line.endsWith(` ${branch}`))
      ?.split(" ")[0] ?? null
  );
}

async function originOf(shared: string): Promise<string | null> {
  const config = (await readText(join(shared, "config"))) ?? "";
  const origin = config.split(/^(?=\[)/m).find((section) => section.startsWith('[remote "origin"]'));
  const url = /^\s*url\s*=\s*(\S+)\s*$/m.exec(origin ?? "")?.[1];
  return url?.replace(/^(\w+:\/\/)[^/@]*@/, "$1") ?? null;
}

/**
 * The source of a checkout.
 *
 * @param folders that may be the repository's, the likeliest first
 * @param given the folder that has its name where none of them is
 */
export async function checkoutSource(folders: readonly string[], given: string): Promise<CheckoutSource> {
  for (const folder of folders) {
    const git = await gitFolder(folder);
    if (git === null) continue;
    const common = (await readText(join(git, "commondir")))?.trim();
    const shared = common === undefined ? git : resolve(git, common);
    const url = await originOf(shared);
    const name = basename(url ?? resolve(folder)).replace(/\.git$/, "");
    return { name, url, commit: await commitOf(git, shared) };
  }
  return { name: basename(resolve(given)), url: null, commit: null };
}
