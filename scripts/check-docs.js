/** Fails if a symbol that a folder's index.ts exports has no documentation comment. Run by `npm run check:docs`. */

import { existsSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";

const root = new URL("..", import.meta.url).pathname;
const entries = ["index.ts", ...readdirSync(join(root, "src")).map((name) => join(name, "index.ts"))]
  .map((name) => join(root, "src", name))
  .filter((path) => existsSync(path));
const config = ts.getParsedCommandLineOfConfigFile(
  join(root, "tsconfig.json"),
  {},
  {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
      throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n"));
    },
  },
);
const program = ts.createProgram(entries, config.options);
const checker = program.getTypeChecker();
const missing = new Set();
let count = 0;

const documented = (symbol) =>
  symbol.declarations?.some(
    (d) => ts.getJSDocCommentsAndTags(ts.isVariableDeclaration(d) ? d.parent.parent : d).length > 0,
  );
const place = (symbol) => {
  const declaration = symbol.declarations?.[0];
  if (!declaration) return "?";
  const file = declaration.getSourceFile();
  return `${relative(root, file.fileName)}:${file.getLineAndCharacterOfPosition(declaration.getStart()).line + 1}`;
};

for (const entry of entries) {
  const module = checker.getSymbolAtLocation(program.getSourceFile(entry));
  if (!module) continue;
  for (const exported of checker.getExportsOfModule(module)) {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    if (symbol.declarations?.[0]?.getSourceFile().fileName.includes("node_modules")) continue;
    count++;
    if (!documented(symbol)) missing.add(`${place(symbol)} ${symbol.name}`);
    if (symbol.flags & ts.SymbolFlags.Class) {
      for (const member of symbol.members?.values() ?? []) {
        const d = member.valueDeclaration;
        if (!d || !(ts.isMethodDeclaration(d) || ts.isGetAccessor(d))) continue;
        if (ts.isPrivateIdentifier(d.name) || ts.getCombinedModifierFlags(d) & ts.ModifierFlags.Private)
          continue;
        count++;
        if (!documented(member)) missing.add(`${place(member)} ${symbol.name}.${member.name}`);
      }
    }
  }
}

for (const line of [...missing].sort()) console.error(`undocumented: ${line}`);
console.log(`documentation: ${count - missing.size} of ${count} exported symbols documented`);
process.exit(missing.size > 0 ? 1 : 0);
