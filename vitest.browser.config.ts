import { defineConfig } from "vitest/config";

// What needs a browser: `npm run test:browser`, with Chromium on the path or its program in CHROMIUM.
export default defineConfig({
  test: {
    include: ["test/browser/**/*.browser.ts"],
    pool: "forks",
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 240_000,
  },
});
