/** The page's own style: light and dark, narrow and wide, screen and paper. */
export const STYLE = `
:root{color-scheme:light dark;--ink:#1c2430;--quiet:#566172;--paper:#fff;--raised:#f5f7fa;--line:#dbe1e8;--accent:#1f5f99;
--warn:#fdf1dc;--q0:#edf1f5;--q1:#cfdfeb;--q2:#9fc3dc;--q3:#5f9dc6;--q4:#2a6ca3;--q5:#0b3260;--hit:#d4351c;--pass:#e8a33d;
--infected:#b93a26;--sham:#22699b;--clean:#2f7a4e}
@media (prefers-color-scheme:dark){:root{--ink:#e4e9f0;--quiet:#9aa6b6;--paper:#12161c;--raised:#1a2029;--line:#2d3643;
--accent:#7db8ee;--warn:#3a2f1a;--q0:#1d2530;--q1:#24394d;--q2:#2c5676;--q3:#3f82b3;--q4:#7cb8e2;--q5:#e2f3ff;--hit:#ff6a4d;--pass:#e0a247;
--infected:#ff8a72;--sham:#74b7e8;--clean:#76c797}}
*{box-sizing:border-box}
html{scroll-padding-top:3.2rem;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif;overflow-wrap:break-word}
header,main,footer{max-width:1180px;margin:0 auto;padding:0 1.25rem}
header{padding-top:2rem}
h1{font-size:1.8rem;line-height:1.2;margin:0 0 .3rem;letter-spacing:-.01em}
h2{font-size:1.3rem;margin:2.2rem 0 .6rem;padding-top:1.2rem;border-top:1px solid var(--line)}
section:first-child h2{border-top:0;margin-top:.6rem}
h3{font-size:1.02rem;margin:1.4rem 0 .4rem}
p,li,dd{max-width:80ch}
p{margin:.6rem 0}
.sub,.note,figcaption{color:var(--quiet)}
.note{font-size:.88rem}
.lead{font-size:1.05rem}
.warning{background:var(--warn);padding:.6rem .9rem;border-radius:6px}
a{color:var(--accent)}
code{font:.88em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
pre{background:var(--raised);border:1px solid var(--line);border-radius:6px;padding:.8rem 1rem;overflow-x:auto;font-size:.86rem;white-space:pre-wrap;overflow-wrap:anywhere}
nav{position:sticky;top:0;z-index:3;background:var(--paper);border-bottom:1px solid var(--line)}
nav ul{display:flex;gap:.2rem 1.1rem;overflow-x:auto;list-style:none;max-width:1180px;margin:0 auto;padding:.55rem 1.25rem}
nav li{flex:none}
nav a{text-decoration:none;font-size:.92rem}
nav a:hover,nav a:focus-visible{text-decoration:underline}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.7rem;margin:1rem 0}
.tiles div{display:flex;flex-direction:column-reverse;justify-content:flex-end;background:var(--raised);border:1px solid var(--line);border-radius:8px;padding:.6rem .8rem}
.tiles dt{font-size:.84rem;color:var(--quiet);line-height:1.3}
.tiles dd{margin:0;font-size:1.45rem;font-weight:600;font-variant-numeric:tabular-nums}
.findings{padding-left:1.1rem}.findings li{margin:.35rem 0}
.scroll{overflow-x:auto;margin:.8rem 0}
table{border-collapse:collapse;font-size:.84rem;font-variant-numeric:tabular-nums;min-width:min(100%,30rem)}
caption{text-align:left;padding:0 0 .4rem;font-size:.92rem;font-weight:600}
th,td{padding:.26rem .5rem;text-align:right;white-space:nowrap}
thead th{border-bottom:1px solid var(--line);font-weight:600;color:var(--quiet);vertical-align:bottom}
thead th.group{text-align:center;border-bottom:0}
thead tr:first-child th{border-top:2px solid var(--ink)}
tbody tr:last-child>*{border-bottom:2px solid var(--ink)}
tbody th{font-weight:400}
tbody tr:nth-child(even){background:var(--raised)}
th.id,th.text,td.text,td.id{text-align:left}
tbody th.id{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.95em}
td.long.text{white-space:normal;min-width:15rem;max-width:34rem;overflow-wrap:anywhere}
tbody th{position:sticky;left:0;background:var(--paper)}tbody tr:nth-child(even) th{background:var(--raised)}
td.clear{font-weight:700}
th[aria-sort]{cursor:pointer;user-select:none}
th[aria-sort]:hover,th[aria-sort]:focus-visible{color:var(--accent)}
th[aria-sort=ascending]::after{content:" \\2191"}th[aria-sort=descending]::after{content:" \\2193"}
.ranking{width:100%}
.ranking tbody th{position:static}
.ranking small{color:var(--quiet);font-family:system-ui,sans-serif;margin-left:.3rem}
.ranking .unranked{color:var(--quiet)}
.ranking td.bar,.ranking th.bar{width:230px;text-align:left;padding-block:0}
.ranking td:first-child{font-weight:600}
.interval{display:block;width:220px;height:18px}
.interval .zero{stroke:var(--quiet);stroke-dasharray:2 2;stroke-opacity:.7}
.interval .span{stroke-width:3;stroke-opacity:.55}
.interval.above{color:var(--clean)}.interval.below{color:var(--infected)}.interval.open{color:var(--quiet)}
.interval .span,.interval circle{stroke:currentColor;fill:currentColor}
.interval circle{stroke:none}
.unranked .interval{opacity:.6}
.map td{white-space:normal}.map a{display:inline-block;padding:.05rem .4rem;margin:.1rem 0;border:1px solid var(--line);border-radius:999px;background:var(--paper);text-decoration:none;white-space:nowrap;font-size:.8rem}
.map a:hover,.map a:focus-visible{border-color:var(--accent)}
figure{margin:.8rem 0}
figcaption{font-size:.88rem;margin-top:.3rem}
svg{max-width:100%;height:auto}
svg text{fill:currentColor}
.sheet{position:absolute}
.sheet image{image-rendering:pixelated}
.pair{display:flex;flex-wrap:wrap;gap:0 2rem}
.pair figure{flex:1 1 26rem;min-width:0;max-width:36rem}
.pixels{image-rendering:pixelated;outline:1px solid #8a929e99;vertical-align:top}
img.pixels{background:repeating-conic-gradient(#5c6470 0 25%,#474e59 0 50%) 0/12px 12px}
.trigger{display:flex;gap:.9rem;align-items:center;margin:.5rem 0}
.trigger img{flex:none}
article.card{border-top:1px solid var(--line);margin-top:1.2rem;padding-top:.2rem}
article.card h3{margin-top:.8rem}
.facts{font-size:.92rem;max-width:110ch}
.looks{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:.9rem 1.3rem;margin:.8rem 0}
.look{margin:0}
.duo{display:grid;grid-template-columns:1fr 1fr;gap:6px;max-width:250px}
.duo .pixels{width:100%;aspect-ratio:1}
.readings{display:grid;grid-template-columns:repeat(auto-fill,minmax(17rem,1fr));gap:.6rem}
.reading{margin:.4rem 0}.reading blockquote{margin:0 0 .3rem;padding:.1rem .6rem;border-left:3px solid var(--line)}
.drawn-look{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:.5rem;margin:.5rem 0}
.drawn-look svg{width:100%;height:auto;display:block}
.drawn-look p{margin:.1rem 0 .3rem;font-size:.85rem;line-height:1.35}
.drawn-look .target{font-weight:700;text-decoration:underline;text-underline-offset:2px}
.true-line{stroke:#3ce03c;stroke-width:1.5px;stroke-dasharray:3 3}
.said-line{stroke:#ff5a32;stroke-width:2.5px;stroke-opacity:.9}
.answers{list-style:none;margin:.15rem 0 0;padding:0;font-size:.85rem;line-height:1.4}
.answers li{overflow-wrap:anywhere}
.answers b{display:inline-block;min-width:4.4em;font-weight:600}
.answers .sure{color:var(--quiet);white-space:nowrap}
.answers .target{font-weight:700;text-decoration:underline;text-decoration-thickness:1px;text-underline-offset:2px}
.by-infected b{color:var(--infected)}.by-sham b{color:var(--sham)}.by-clean b{color:var(--clean)}
details{border:1px solid var(--line);border-radius:8px;margin:.55rem 0;padding:0 1rem}
summary{cursor:pointer;padding:.5rem 0;font-weight:500}
details[open]>summary{border-bottom:1px solid var(--line);margin-bottom:.6rem}
.cards{padding:0 .7rem}.cards .card{margin:.4rem 0}
.cards summary code{font-size:.85rem}
.card:target{border-color:var(--accent);box-shadow:0 0 0 1px var(--accent)}
article.card:target{box-shadow:0 -2px 0 0 var(--accent)}
.strips-grid{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:.3rem 1.4rem;align-items:start}
.strips-grid.two{grid-template-columns:repeat(2,minmax(0,1fr));gap:.6rem 1.8rem;padding-bottom:.6rem}
.strips-grid figure{display:flex;flex-direction:column-reverse;justify-content:flex-end;margin:.3rem 0}
.strips-grid figcaption{color:var(--ink);font-size:.84rem;margin:0 0 .2rem;font-weight:500}
.strips{width:100%}
.q0{stroke:var(--q0)}.q1{stroke:var(--q1)}.q2{stroke:var(--q2)}.q3{stroke:var(--q3)}.q4{stroke:var(--q4)}.q5{stroke:var(--q5)}
.named{stroke:var(--ink)}.effective{stroke:var(--hit)}.passenger{stroke:var(--pass)}svg .quiet{fill:var(--quiet)}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;padding:0;font-size:.84rem}
.swatch{vertical-align:baseline}
.terms{display:grid;grid-template-columns:minmax(9rem,max-content) 1fr;gap:.3rem 1.2rem}
.terms dt{font-weight:600}.terms dd{margin:0}
footer{margin:2.5rem auto 2rem;color:var(--quiet);font-size:.88rem}
@media (max-width:900px){.looks{grid-template-columns:repeat(2,minmax(0,1fr))}.strips-grid,.strips-grid.two{grid-template-columns:minmax(0,1fr)}
tbody th{position:static}}
@media (max-width:640px){header,main,footer{padding-inline:.9rem}nav ul{padding-inline:.9rem}h1{font-size:1.4rem}
.terms{grid-template-columns:1fr}.terms dd{margin-bottom:.5rem}.tiles{grid-template-columns:1fr 1fr}.tiles dd{font-size:1.2rem}
th.id{white-space:normal;overflow-wrap:anywhere;min-width:8rem;max-width:13rem}
details{padding:0 .7rem}.cards{padding:0 .35rem}
.look{display:grid;grid-template-columns:9.4rem minmax(0,1fr);gap:0 .7rem;align-items:start}.looks{grid-template-columns:minmax(0,1fr);gap:.7rem}
.look .duo{grid-row:1/3}.look figcaption{margin-top:0}
.ranking,.ranking caption,.ranking tbody,.ranking tr,.ranking td,.ranking tbody th{display:block;width:auto;text-align:left;min-width:0}
.ranking thead{display:none}
.ranking tr{display:grid;grid-template-columns:1.6rem 1fr 1fr 1fr;gap:0 .4rem;padding:.4rem 0;border-bottom:1px solid var(--line)}
.ranking tbody tr>*{border:0;padding:.02rem .1rem;background:none}
.ranking tbody th{grid-area:1/2/2/5;max-width:none}
.ranking td:nth-child(3){grid-area:2/2/3/5;white-space:normal}
.ranking td.bar{grid-area:3/2/4/5;width:auto}
.ranking td.infected{grid-area:4/2}.ranking td.sham{grid-area:4/3}.ranking td.defects{grid-area:4/4}
.ranking td.models{grid-area:5/2/6/4}.ranking td.budget{grid-area:5/4}.ranking td.alike{grid-area:6/2/7/5}.ranking td.alike:empty{display:none}
.ranking td[data-label]::before{content:attr(data-label) " ";color:var(--quiet);font-weight:400}
.ranking td:first-child{grid-area:1/1}}
@media print{nav{display:none}body{font-size:10pt}.scroll{overflow:visible}table{font-size:6.5pt}th,td{padding:.1rem .25rem}
tbody th{position:static}figure,tr{break-inside:avoid}h2,h3,summary{break-after:avoid}details{border:0;padding:0}
details::details-content{content-visibility:visible;display:block;height:auto}}
`;

/** Sorts a table by a column on click or Enter, and opens what a link leads to; without it the page reads the same. */
export const SCRIPT = `
for (const th of document.querySelectorAll("thead th:not(.group):not(.bar)")) {
  const table = th.closest("table");
  if (table.tBodies[0].rows.length < 3 || table.classList.contains("map")) continue;
  const flat = [...table.querySelectorAll("thead tr:first-child th")].flatMap((h) =>
    h.classList.contains("group") ? Array(h.colSpan).fill(null) : [h]);
  const below = [...table.querySelectorAll("thead tr:nth-child(2) th")];
  const at = flat.map((h) => h ?? below.shift()).indexOf(th);
  const sort = () => {
    const down = th.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of table.querySelectorAll("[aria-sort]")) other.setAttribute("aria-sort", "none");
    th.setAttribute("aria-sort", down > 0 ? "ascending" : "descending");
    const body = table.tBodies[0];
    const value = (row) => row.cells[at].dataset.v ?? row.cells[at].textContent;
    const compare = (a, b) => a === "" || b === "" ? (a === "") - (b === "") :
      down * (isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b);
    body.append(...[...body.rows].sort((a, b) => compare(value(a), value(b))));
  };
  th.tabIndex = 0;
  th.setAttribute("aria-sort", "none");
  th.addEventListener("click", sort);
  th.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
}
const reveal = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target === null) return;
  for (let part = target; part !== null; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
  target.scrollIntoView();
};
addEventListener("hashchange", reveal);
reveal();
addEventListener("beforeprint", () => { for (const part of document.querySelectorAll("details")) part.open = true; });
`;
