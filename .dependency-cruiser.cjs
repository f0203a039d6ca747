/**
 * The layers of src/, lowest first (docs/log.md tells why this order). A folder imports only from layers
 * below its own, never from a sibling in the same layer, and from another folder only through its index.ts.
 */
const layers = [
  ["base"],
  ["stats", "trace", "video", "engine"],
  ["nn"],
  ["models"],
  ["judges"],
  ["metrics"],
  ["rewards"],
  ["data"],
  ["benchmarks", "training"],
  ["evaluation", "distributed"],
  ["server"],
  ["cli"],
];

const test = "\\.test\\.ts$|/testing/";
const forbidden = [
  { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
  {
    name: "through-index",
    comment: "another folder's files are reached through its index.ts",
    severity: "error",
    from: { path: "^src/([^/]+)/", pathNot: test },
    to: { path: "^src/[^/]+/", pathNot: ["^src/$1/", "^src/[^/]+/index\\.ts$"] },
  },
];
layers.forEach((folders, level) => {
  for (const folder of folders) {
    const allowed = [folder, ...layers.slice(0, level).flat()];
    forbidden.push({
      name: `layer-${folder}`,
      comment: `${folder} may import from: ${allowed.join(", ")}`,
      severity: "error",
      from: { path: `^src/${folder}/`, pathNot: test },
      to: { path: "^src/", pathNot: `^src/(${allowed.join("|")})/` },
    });
  }
});

module.exports = {
  forbidden,
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: { extensions: [".ts", ".js"] },
  },
};
