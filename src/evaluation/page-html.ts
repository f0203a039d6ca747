/** The frame that all pages share: one HTML file that needs nothing else. */

import { reportStyle } from "./report-style.ts";

/** Text as it can stand in HTML. */
export const asText = (text: string): string => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** Style of tables of figures, for pages that have some. */
export const figureTableStyle = `
.scroll { overflow-x: auto; }
.figures th, .figures td { padding: 5px 12px; border-bottom: 1px solid var(--line); text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.figures th[scope="row"] { text-align: left; font-weight: 500; }
.figures thead th { font-size: 13px; color: var(--soft); font-weight: 600; vertical-align: bottom; }`;

/**
 * A whole page.
 *
 * @param title text; the command's name follows it
 * @param command such as `score`
 * @param app the HTML of the page's content
 * @param more style beside the shared one, and HTML after the content
 */
export function pageHtml(
  { title, command }: { title: string; command: string },
  app: string,
  { style = "", after = "" }: { style?: string; after?: string } = {},
): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${asText(title)} - video-r2 ${command}</title>
<link rel="icon" href="data:,">
<style>${reportStyle}${style}</style>
</head>
<body>
<div id="app">${app}</div>
${after}</body>
</html>
`;
}
