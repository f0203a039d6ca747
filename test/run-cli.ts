/**
 * Runs the program as users run it: compiled, in a process of its own. The sources are transpiled once for each
 * test file (types are the type check's work), into a package that shares everything else with this one.
 */

import { type ChildProcess, spawn } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = fileURLToPath(new URL("..", import.meta.url));

function compile(): string {
  const home = mkdtempSync(join(tmpdir(), "video-r2-cli-"));
  process.once("exit", () => rmSync(home, { recursive: true, force: true }));
  for (const name of ["package.json", "node_modules", "assets"])
    symlinkSync(join(root, name), join(home, name));
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
    rewriteRelativeImportExtensions: true,
  };
  for (const name of readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".ts") || name.endsWith(".test.ts") || name.includes("testing/")) continue;
    const target = join(home, "dist", name.replace(/\.ts$/, ".js"));
    mkdirSync(dirname(target), { recursive: true });
    const source = readFileSync(join(root, "src", name), "utf8");
    writeFileSync(target, ts.transpileModule(source, { compilerOptions, fileName: name }).outputText);
  }
  return join(home, "dist", "cli", "main.js");
}

let main: string | undefined;

/** How a run ended. */
export interface CliResult {
  /** The exit code, or null where a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
  seconds: number;
}

/** Starts the program; `result` resolves when it ends. */
export function startCli(
  args: readonly string[],
  env: Record<string, string> = {},
): { child: ChildProcess; result: Promise<CliResult> } {
  main ??= compile();
  const begun = performance.now();
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, VIDEO_R2_DEBUG: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const result = new Promise<CliResult>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) =>
      resolve({ code, stdout, stderr, seconds: (performance.now() - begun) / 1000 }),
    );
  });
  return { child, result };
}

/** Runs the program to its end. */
export function runCli(args: readonly string[], env: Record<string, string> = {}): Promise<CliResult> {
  return startCli(args, env).result;
}
