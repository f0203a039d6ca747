/** The style of the report: light and dark, wide and narrow, readable when printed. */

/** CSS, without anything that is loaded from elsewhere. */
export const reportStyle = `
:root {
  color-scheme: light dark;
  --ground: #fbfaf7; --card: #ffffff; --line: #e3dfd6; --ink: #1d1c1a; --soft: #6b675f;
  --accent: #2f5fd0; --good: #1b7f4b; --bad: #c0362c; --fair: #9a6700;
  --good-soft: #dff3e7; --bad-soft: #fbe3e0; --fair-soft: #fbefd0; --plain-soft: #e8ecf7; --claim: #fff0b8; --decides: #d9e5ff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #16171a; --card: #1e2024; --line: #33363c; --ink: #e8e6e1; --soft: #a09c94;
    --accent: #8fb0ff; --good: #5fd197; --bad: #ff8a80; --fair: #e6bd5a;
    --good-soft: #173526; --bad-soft: #3f1d1b; --fair-soft: #3a2f14; --plain-soft: #262d40; --claim: #4a4013; --decides: #223660;
  }
}
* { box-sizing: border-box; }
html { height: 100%; }
body { margin: 0; min-height: 100%; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
#app { max-width: 1500px; margin: 0 auto; padding: 20px 24px; }
h1 { font-size: 22px; margin: 0 0 2px; overflow-wrap: anywhere; }
h2 { font-size: 18px; line-height: 1.35; margin: 2px 0 8px; }
h3 { font-size: 13px; margin: 0; color: var(--soft); font-weight: 600; }
.small { font-size: 13px; color: var(--soft); }
.note { background: var(--fair-soft); border-radius: 6px; padding: 6px 10px; }
header > p { margin: 0 0 10px; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 10px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 10px 14px; }
.card p { margin: 4px 0 0; line-height: 1.35; }
.card.none .value { color: var(--soft); }
.value { font-size: 28px; font-weight: 650; font-variant-numeric: tabular-nums; line-height: 1.25; }
.scale { position: relative; height: 6px; border-radius: 3px; background: var(--line); margin: 3px 0 6px; }
.scale i { position: absolute; inset: 0 auto 0 0; border-radius: 3px; background: var(--accent); }
.scale b { position: absolute; top: -3px; height: 12px; border: solid var(--ink); border-width: 0 2px; opacity: .55; }
details > summary { cursor: pointer; }
.card ul { margin: 4px 0 0; padding-left: 16px; }
.more { margin: 12px 0 0; }
.tables { display: flex; flex-wrap: wrap; gap: 14px 40px; margin-top: 10px; align-items: flex-start; }
table { border-collapse: collapse; }
caption { text-align: left; font-weight: 600; font-size: 13px; padding-bottom: 4px; }
.groups th { text-align: left; font-weight: 400; padding-right: 12px; max-width: 260px; overflow-wrap: anywhere; }
.groups .bar { width: 120px; }
.groups .bar i { display: block; height: 8px; border-radius: 4px; background: var(--accent); }
.number { text-align: right; font-variant-numeric: tabular-nums; padding: 0 10px; white-space: nowrap; }
.confusion td { border: 1px solid var(--line); padding: 6px 12px; text-align: center; background: var(--card); }
main { display: grid; grid-template-columns: minmax(300px, 400px) minmax(0, 1fr); gap: 18px; margin-top: 16px; align-items: start; }
.side { position: sticky; top: 12px; display: flex; flex-direction: column; height: calc(100vh - 24px); min-height: 300px; }
.tools { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; margin-bottom: 6px; }
.tools input { flex: 1 1 100%; }
.tools select { flex: 1 1 40%; min-width: 0; }
.tools p { margin: 0; }
input, select { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 5px 9px; }
.list { list-style: none; margin: 0; padding: 0; overflow-y: auto; flex: 0 1 auto; border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
.list li + li { border-top: 1px solid var(--line); }
.list li.more { padding: 8px; text-align: center; }
.list button { display: grid; grid-template-columns: 1fr auto; gap: 0 8px; width: 100%; text-align: left; font: inherit; color: inherit; background: none; border: 0; padding: 7px 12px; cursor: pointer; }
.list button:hover { background: var(--ground); }
.list button[aria-current="true"] { background: var(--plain-soft); box-shadow: inset 3px 0 var(--accent); }
.list .id { font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.list .question { grid-column: 1 / -1; color: var(--soft); font-size: 13px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.keys { margin: 6px 2px 0; }
.badge { display: inline-block; font-size: 11.5px; line-height: 1.5; font-weight: 600; border-radius: 5px; padding: 0 6px; margin-left: 4px; white-space: nowrap; }
article .badge { margin: 0 4px 0 0; }
.badge.good { background: var(--good-soft); color: var(--good); }
.badge.bad { background: var(--bad-soft); color: var(--bad); }
.badge.fair { background: var(--fair-soft); color: var(--fair); }
.badge.none { background: var(--line); color: var(--soft); }
.badge.plain { background: var(--plain-soft); color: var(--accent); }
.detail { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 22px; min-height: 300px; }
article { outline: 0; }
article > p:first-child { margin: 0; overflow-wrap: anywhere; }
.options { list-style: none; padding: 0; margin: 10px 0; }
.options li { padding: 1px 0; }
.options li.gold { font-weight: 600; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 2px 14px; margin: 10px 0; }
.facts dt { color: var(--soft); } .facts dd { margin: 0; overflow-wrap: anywhere; }
.verdict { margin: 10px 0 14px; }
.verdict th { text-align: left; font-weight: 600; padding: 1px 16px 1px 0; white-space: nowrap; vertical-align: top; }
.verdict td { padding: 1px 14px 1px 0; vertical-align: top; }
.verdict .good td:nth-child(2) { color: var(--good); font-weight: 600; }
.verdict .bad td:nth-child(2) { color: var(--bad); font-weight: 600; }
.timeline { width: 100%; height: auto; display: block; margin: 6px 0 4px; font-size: 13px; }
.timeline text { fill: var(--soft); }
.timeline .tick { text-anchor: middle; font-size: 12px; }
.timeline .grid { stroke: var(--line); }
.timeline .axis { stroke: var(--soft); }
.timeline rect { cursor: default; outline: 0; stroke-width: 1.5; }
.timeline .said.matched, .timeline .reference.matched { fill: var(--good); stroke: var(--good); }
.timeline .said.alone { fill: var(--bad-soft); stroke: var(--bad); }
.timeline .reference.alone { fill: var(--ground); stroke: var(--soft); }
.timeline .match path { fill: none; stroke: var(--good); stroke-width: 1.5; opacity: .7; }
.timeline .match text { font-size: 12px; paint-order: stroke; stroke: var(--card); stroke-width: 4px; }
.timeline .lit, .timeline rect:focus { stroke: var(--accent); stroke-width: 3; }
.timeline .lit path { stroke: var(--accent); stroke-width: 3; opacity: 1; }
.claims { margin: 4px 0 8px; padding-left: 22px; }
.claims li { padding: 1px 4px; border-radius: 5px; }
.claims .alone b { color: var(--bad); }
.claims .matched b { color: var(--good); }
section h3 { margin: 14px 0 4px; }
.think { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 15px; line-height: 1.6; max-width: 90ch; }
mark { background: none; color: inherit; border-radius: 3px; }
mark.claim { background: var(--claim); }
mark.decides { background: var(--decides); box-shadow: 0 0 0 2px var(--decides); }
mark.claim.decides { background: var(--claim); }
.lit:is(mark, li) { outline: 2px solid var(--accent); }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--ground); border-radius: 8px; padding: 10px 12px; font-size: 13px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.empty { color: var(--soft); }
@media (max-width: 860px) {
  #app { padding: 12px; }
  main { grid-template-columns: minmax(0, 1fr); }
  .side { position: static; height: auto; }
  .list { max-height: 45vh; }
  .keys { display: none; }
  .detail { padding: 12px 14px; }
}
@media print {
  .tools, .list, .keys { display: none; }
  main { display: block; }
}
`;
