import { verbatim } from './html.ts';

const light = `
  color-scheme: light;
  --paper: #ffffff; --band: #f5f7f9; --ink: #1c2733; --quiet: #56626e; --rule: #d6dce2; --mark: #2f6299;
  --planned: #b4bfca; --good: #22693f; --warn: #8a5a00; --bad: #a8281f; --gap: #f1c9c5; --second: #8a4a86; --third: #2b7a78; --fourth: #8a6d1d;`;
const dark = `
  color-scheme: dark;
  --paper: #14191f; --band: #1b222a; --ink: #e4e9ee; --quiet: #a0acb8; --rule: #303a45; --mark: #82b4e6;
  --planned: #566472; --good: #74c794; --warn: #e0ae4e; --bad: #f48f86; --gap: #5a2f2d; --second: #cf95cb; --third: #6fc3c0; --fourth: #d3b75f;`;

/** One sheet for both pages: quiet colours, labels on the marks, dark where the reader has it so, light on paper. */
export const styleSheet = verbatim(`<style>
:root {${light}
}
@media screen and (prefers-color-scheme: dark) { :root {${dark}
} }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 24px 16px 64px; overflow-wrap: break-word; }
h1 { font-size: 24px; line-height: 1.25; margin: 8px 0; }
h2 { font-size: 17px; margin: 36px 0 8px; padding-top: 10px; border-top: 1px solid var(--rule); }
h3 { font-size: 15px; margin: 20px 0 6px; }
p { margin: 6px 0; }
.quiet, figcaption { color: var(--quiet); }
.verdict { display: inline-block; padding: 2px 10px; border: 2px solid currentColor; border-radius: 4px; font-weight: 700; letter-spacing: 0.02em; }
.PASSED { color: var(--good); } .FAILED { color: var(--bad); }
.INTERRUPTED { color: var(--warn); } .BLOCKED { color: var(--warn); } .SKIPPED { color: var(--quiet); }
.bad { color: var(--bad); } .warn { color: var(--warn); } .good { color: var(--good); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px; margin: 18px 0; padding: 0; }
.tiles div { background: var(--band); border-radius: 6px; padding: 10px 12px; }
.tiles dt { color: var(--quiet); font-size: 13px; }
.tiles dd { margin: 0; font-size: 20px; font-weight: 650; line-height: 1.3; }
.tiles dd + dd { font-size: 13px; font-weight: 400; color: var(--quiet); }
.scroll, .plot { overflow-x: auto; max-width: 100%; }
.scroll { margin: 10px 0; }
.scroll:focus-visible, .plot:focus-visible { outline: 2px solid var(--mark); outline-offset: 2px; }
table { border-collapse: collapse; font-size: 13.5px; }
caption { text-align: left; color: var(--quiet); padding: 4px 0; }
th, td { text-align: left; vertical-align: top; padding: 5px 16px 5px 0; border-bottom: 1px solid var(--rule); }
th { font-weight: 600; color: var(--quiet); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
time { white-space: nowrap; font-variant-numeric: tabular-nums; }
.scroll table { min-width: 560px; }
.facts { display: grid; grid-template-columns: minmax(130px, 190px) 1fr; gap: 4px 14px; margin: 8px 0; font-size: 14px; }
.facts dt { color: var(--quiet); } .facts dd { margin: 0; overflow-wrap: anywhere; }
code { font: 12px ui-monospace, "SF Mono", Menlo, Consolas, monospace; word-break: break-all; }
figure { margin: 12px 0 20px; }
figcaption { font-size: 13px; }
svg { display: block; width: 100%; min-width: 720px; height: auto; }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; fill: var(--ink); }
svg .quiet { fill: var(--quiet); } svg .small { font-size: 11px; }
svg .value { font-weight: 600; } svg .late { fill: var(--warn); }
svg .grid { stroke: var(--rule); stroke-width: 1; }
svg .planned { fill: var(--planned); } svg .actual { fill: var(--mark); } svg .failed { fill: var(--bad); }
svg line.no-return { stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 5 3; } svg text.no-return { fill: var(--bad); font-size: 11px; }
svg .line { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
svg .estimated { stroke-dasharray: 6 4; } svg .stale { stroke-dasharray: 1.5 4; }
svg path.link-0 { stroke: var(--mark); } svg path.link-1 { stroke: var(--second); } svg path.link-2 { stroke: var(--third); } svg path.link-3 { stroke: var(--fourth); }
svg text.link-0, svg .dot.link-0 { fill: var(--mark); } svg text.link-1, svg .dot.link-1 { fill: var(--second); }
svg text.link-2, svg .dot.link-2 { fill: var(--third); } svg text.link-3, svg .dot.link-3 { fill: var(--fourth); }
svg .ack { stroke: var(--mark); stroke-width: 1; } svg .gap { fill: var(--gap); stroke: var(--bad); stroke-width: 1; } svg .gap-length { fill: var(--bad); }
svg .cell { fill: var(--band); stroke: var(--rule); stroke-width: 0.5; }
svg .cell-PASSED { fill: var(--good); } svg .cell-FAILED { fill: var(--bad); } svg .cell-INTERRUPTED, svg .cell-BLOCKED { fill: var(--warn); } svg .cell-SKIPPED { fill: var(--quiet); }
svg .on-cell { fill: var(--paper); font-size: 10px; font-weight: 700; }
svg .part-0 { fill: var(--mark); } svg .part-1 { fill: var(--second); } svg .part-2 { fill: var(--third); } svg .part-3 { fill: var(--fourth); } svg .part-4 { fill: var(--quiet); } svg .part { opacity: 0.82; }
svg .objective { stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 5 3; }
footer { margin-top: 40px; color: var(--quiet); font-size: 13px; }
@page { size: A4; margin: 14mm; }
@media print {
  body { font-size: 11px; }
  main { max-width: none; padding: 0; }
  .scroll, .plot { overflow: visible; }
  svg, .scroll table { min-width: 0; }
  h1 { font-size: 18px; }
  h2 { font-size: 14px; margin-top: 22px; }
  .tiles { grid-template-columns: repeat(6, 1fr); gap: 6px; }
  .tiles div { padding: 6px 8px; }
  .tiles dd { font-size: 14px; }
  .tiles dt, .tiles dd + dd, figcaption, caption, .facts { font-size: 9.5px; }
  table { font-size: 9.5px; }
  td time { white-space: normal; }
  code { font-size: 8.5px; }
  thead { display: table-header-group; }
  tr, figure, .tiles div { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
</style>`);
