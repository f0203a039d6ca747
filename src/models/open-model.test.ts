import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { locateModel } from "./open-model.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "open-model-"));
  const home = join(folder, "models--org--small");
  await mkdir(join(home, "refs"), { recursive: true });
  await mkdir(join(home, "snapshots", "abc"), { recursive: true });
  await writeFile(join(home, "refs", "main"), "abc\n");
  vi.stubEnv("HF_HUB_CACHE", folder);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

describe("what a user may mean", () => {
  it.each([
    ["http://localhost:8000/v1#Qwen/Qwen2.5-VL-7B", "http://localhost:8000/v1", "Qwen/Qwen2.5-VL-7B"],
    ["https://host/v1/", "https://host/v1", undefined],
    ["http://host/v1#a%20b", "http://host/v1", "a b"],
  ])("a server: %s", async (spec, url, model) => {
    expect(await locateModel(spec)).toEqual({ kind: "server", url, model });
  });

  it("a folder, and a repository in the local cache", async () => {
    expect(await locateModel(folder)).toMatchObject({ kind: "folder", dir: folder, builtin: false });
    expect(await locateModel("hf:org/small")).toEqual({
      kind: "folder",
      dir: join(folder, "models--org--small", "snapshots", "abc"),
      name: "org/small",
      builtin: false,
    });
  });

  it.each([
    ["hf:org/other", "model-missing"],
    ["hf:nothing", "model-invalid"],
    ["hf:../../etc", "model-invalid"],
    ["./nowhere", "model-missing"],
    ["http://", "model-invalid"],
  ])("nothing: %s", async (spec, code) => {
    await expect(locateModel(spec)).rejects.toMatchObject({ name: "UsageError", code });
  });
});
