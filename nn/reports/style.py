"""The style of every report's page, and the frame that its parts are set into."""

from __future__ import annotations

from string import Template

__all__ = ["PAGE", "STYLE"]

# The policy forbids the page to load anything: it stays as it is where there is no network.
PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>

<header>
<p class="over">$over</p>
<h1>$heading</h1>
<p class="lede">$lede</p>
<dl class="facts">
$facts
</dl>
</header>

$sections

</main>
</body>
</html>
""")

# Paper, ink, blue and orange are those of the graphs (autograd_mini/viz/theme.py), which stand on this page.
STYLE = """
:root { color-scheme: light dark; --paper: #fcfcfb; --ink: #1b2430; --soft: #5a6472; --line: #dde1e6;
  --s1: #0b57a4; --s2: #a33e08; --s3: #00695c; --s4: #7b3294; --s5: #7a5c00; --s6: #475569;
  --good: #1a7f37; --bad: #c62828 }
@media (prefers-color-scheme: dark) { :root { --paper: #10151c; --ink: #e8edf3; --soft: #9ca9b8; --line: #2f3a46;
  --s1: #7cb8ff; --s2: #ffa566; --s3: #5ed6b8; --s4: #dda0f0; --s5: #e3c65b; --s6: #a9b8cc;
  --good: #6fd08a; --bad: #ff8a80 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.6 Charter, "Bitstream Charter", "Iowan Old Style", Georgia, "DejaVu Serif", serif }
main { max-width: 72rem; margin: 0 auto; padding: clamp(2rem, 7vw, 6rem) clamp(1.25rem, 5vw, 4rem) }
h1, h2 { font-weight: 600; letter-spacing: -0.015em; line-height: 1.15 }
h1 { font-size: clamp(2.2rem, 6vw, 3.4rem); margin: 0 0 1.5rem }
h2 { font-size: 1.5rem; margin: 0 0 1.25rem }
section { margin-top: 4.5rem; padding-top: 1.75rem; border-top: 1px solid var(--line) }
p { max-width: 42rem; margin: 0 0 1rem }
a { color: var(--s1); text-underline-offset: 0.15em }
.over, .facts, .run, .digits, table, figcaption, .note, .chart text { font-variant-numeric: tabular-nums lining-nums;
  font-family: system-ui, "Segoe UI", Roboto, Helvetica, Arial, "DejaVu Sans", sans-serif }
.over { color: var(--soft); font-size: 0.875rem; margin-bottom: 0.75rem }
.lede { font-size: 1.2rem; line-height: 1.55 }
.facts { margin: 3rem 0 0; display: grid; gap: 1.75rem 2.5rem;
  grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)) }
.facts dt { font-size: 1.6rem; line-height: 1.2; letter-spacing: -0.01em; white-space: nowrap }
.facts dd { margin: 0.5rem 0 0; color: var(--soft); font-size: 0.9375rem; line-height: 1.45 }
sup { font-size: 0.65em; line-height: 0 }
figure { margin: 2rem 0 0 }
figcaption, .note { max-width: 42rem; margin-top: 0.75rem; color: var(--soft); font-size: 0.9375rem; line-height: 1.5 }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(27rem, 100%), 1fr)); gap: 1rem 3.5rem }
.chart { display: block; width: 100%; max-width: 40rem; height: auto; overflow: visible }
.chart text { font-size: 15px; fill: var(--soft) }
.chart .grid { stroke: var(--line) } .chart .axis { stroke: var(--soft) }
.chart .mark { stroke: var(--soft); stroke-dasharray: 3 4 }
.chart polyline { fill: none; stroke-width: 2.25; stroke-linejoin: round }
.chart .s1 { stroke: var(--s1) } .chart .s2 { stroke: var(--s2); stroke-dasharray: 7 3 }
.chart .s3 { stroke: var(--s3); stroke-dasharray: 2 3 } .chart .s4 { stroke: var(--s4); stroke-dasharray: 12 3 }
.chart .s5 { stroke: var(--s5); stroke-dasharray: 9 3 2 3 } .chart .s6 { stroke: var(--s6); stroke-dasharray: 4 6 }
.chart .name { stroke: none; font-weight: 600 }
.chart .name.s1, circle.s1 { fill: var(--s1) } .chart .name.s2, circle.s2 { fill: var(--s2) }
.chart .name.s3, circle.s3 { fill: var(--s3) } .chart .name.s4, circle.s4 { fill: var(--s4) }
.chart .name.s5, circle.s5 { fill: var(--s5) } .chart .name.s6, circle.s6 { fill: var(--s6) }
.chart .points { fill: var(--s1); fill-opacity: 0.55 } .chart .exact { stroke: var(--s2); stroke-width: 1.5 }
.chart .bar { fill: var(--s1) }
table { width: 100%; border-collapse: collapse; font-size: 0.9375rem; margin: 1.5rem 0 }
.worked, .scores, .flow { width: auto }
.words td, .words th { white-space: normal; overflow-wrap: anywhere; vertical-align: top }
.scroll { overflow-x: auto }
.scroll table { font-size: 0.875rem; width: auto }
.confusion th, .confusion td { border: 0 } .confusion tbody th { color: var(--ink) }
th { font-weight: 400; color: var(--soft); text-align: left; font-size: 0.875rem }
th, td { padding: 0.45rem 1.5rem 0.45rem 0; border-bottom: 1px solid var(--line); white-space: nowrap }
td:last-child, th:last-child { padding-right: 0 }
.number { text-align: right }
.good { color: var(--good) } .bad { color: var(--bad); font-weight: 600 }
.verdict { font-weight: 600; max-width: none }
.wide > div { overflow-x: auto } .whole > div { overflow: auto; max-height: 90vh; border: 1px solid var(--line) }
.wide svg, .whole svg { display: block } .whole svg { max-width: none !important }
details { margin-top: 2rem } summary { cursor: pointer }
pre { overflow-x: auto; font-size: 0.8125rem; line-height: 1.4 }
.digits { list-style: none; margin: 0; padding: 0; display: grid; gap: 1.25rem 0.75rem;
  grid-template-columns: repeat(auto-fill, minmax(5rem, 1fr)) }
.digits .image { display: block; width: 4.5rem; height: 4.5rem; fill: var(--ink); border: 1px solid var(--line) }
.digits span { display: block; margin-top: 0.4rem; font-size: 0.875rem; line-height: 1.4; color: var(--soft) }
.digits b { color: var(--ink) }
.run { margin: 0 0 1.5rem; font-size: 0.9375rem }
.run div { padding: 0.45rem 0; border-bottom: 1px solid var(--line);
  display: grid; grid-template-columns: 7rem 1fr; gap: 1rem }
.run dt { color: var(--soft) } .run dd { margin: 0; overflow-wrap: anywhere }
@media (max-width: 70rem) {
  .proof { font-size: 0.8125rem } .proof th, .proof td { padding-right: 0.75rem }
  .proof :is(th, td):is(:nth-child(1), :nth-child(3)) { display: none }
}
@media (max-width: 45rem) {
  .chart text { font-size: 18.5px }
  .facts { grid-template-columns: 1fr 1fr } .facts dt { font-size: 1.3rem }
  .proof, .proof tbody, .proof tr, .proof td { display: block; border: 0 }
  .proof { font-size: 0.875rem } .proof thead { display: none }
  .proof tr { position: relative; padding: 0.75rem 0; border-bottom: 1px solid var(--line) }
  .proof td { padding: 0.1rem 0; text-align: left }
  .proof .number::before { content: attr(data-label); color: var(--soft); display: inline-block; width: 7.5rem }
  .proof td:last-child { position: absolute; top: 0.75rem; right: 0 }
  .scores th, .scores td, .flow th, .flow td { white-space: normal; padding-right: 0.6rem; font-size: 0.8125rem }
  .worked { font-size: 0.8125rem } .worked th, .worked td { padding-right: 0.75rem; white-space: normal }
  .wide svg { max-width: none !important; min-width: 44rem }
  .run div { grid-template-columns: 1fr; gap: 0 }
}
@media (max-width: 26rem) {
  .facts { grid-template-columns: 1fr }
  .worked { font-size: 0.75rem } .worked th, .worked td { padding-right: 0.4rem }
}
@media print {
  :root { --paper: #fff; --ink: #000; --soft: #444; --line: #ccc; --s1: #0b57a4; --s2: #a33e08; --s3: #00695c;
    --s4: #7b3294; --s5: #7a5c00; --s6: #475569; --good: #1a7f37; --bad: #c62828; color-scheme: light }
  main { padding: 0; max-width: none } section { margin-top: 2rem }
  figure, tr, .facts div { break-inside: avoid } h2 { break-after: avoid }
}
"""
