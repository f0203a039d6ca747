/** The page's script: the functions of the page as their own source, so that there is one text to type, test and ship. */

import * as page from "./report-page.ts";
import * as view from "./report-view.ts";

/** Declares a function under its name, whatever the name it was compiled to. */
const declare = ([name, value]: [string, unknown]) => `const ${name} = ${String(value)};`;

/** The script as text, a module without imports. */
export function reportScript(): string {
  const names = Object.keys(view).join(", ");
  return [
    // Some compilers wrap functions to keep their names.
    "const __name = (value) => value;",
    ...Object.entries(view).map(declare),
    `const view = { ${names} };`,
    ...Object.entries(page).map(declare),
    'startReport(JSON.parse(document.getElementById("data").textContent), view);',
  ].join("\n");
}
