/** The page's own style: light and dark, narrow and wide, screen and paper. */
export const STYLE = `
:root{color-scheme:light dark;--ink:#1c2430;--quiet:#566172;--paper:#fff;--raised:#f5f7fa;--line:#dbe1e8;--accent:#1f5f99;
--warn:#fdf1dc;--q0:#edf1f5;--q1:#cfdfeb;--q2:#9fc3dc;--q3:#5f9dc6;--q4:#2a6ca3;--q5:#0b3260;--hit:#d4351c;--pass:#e8a33d}
@media (prefers-color-scheme:dark){:root{--ink:#e4e9f0;--quiet:#9aa6b6;--paper:#12161c;--raised:#1a2029;--line:#2d3643;
--accent:#7db8ee;--warn:#3a2f1a;--q0:#1d2530;--q1:#24394d;--q2:#2c5676;--q3:#3f82b3;--q4:#7cb8e2;--q5:#e2f3ff;--hit:#ff6a4d;--pass:#e0a247}}
*{box-sizing:border-box}
html{scroll-padding-top:3.2rem}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif}
header,main,footer{max-width:1180px;margin:0 auto;padding:0 1.25rem}
header{padding-top:2.2rem}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .3rem;letter-spacing:-.01em}
h2{font-size:1.35rem;margin:2.8rem 0 .7rem;padding-top:.6rem;border-top:1px solid var(--line)}
h3{font-size:1.05rem;margin:1.8rem 0 .5rem}
p,li,dd{max-width:76ch}
.sub,.note,figcaption,caption{color:var(--quiet)}
.note{font-size:.9rem}
.lead{font-size:1.1rem}
.warning{background:var(--warn);padding:.6rem .9rem;border-radius:6px}
a{color:var(--accent)}
code{font:.88em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{background:var(--raised);border:1px solid var(--line);border-radius:6px;padding:.8rem 1rem;overflow-x:auto;font-size:.9rem;white-space:pre-wrap;overflow-wrap:anywhere}
nav{position:sticky;top:0;z-index:2;background:var(--paper);border-bottom:1px solid var(--line)}
nav ul{display:flex;gap:.2rem 1.1rem;overflow-x:auto;list-style:none;max-width:1180px;margin:0 auto;padding:.55rem 1.25rem}
nav li{flex:none}
nav a{text-decoration:none;font-size:.92rem}
nav a:hover,nav a:focus-visible{text-decoration:underline}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(10.5rem,1fr));gap:.8rem;margin:1.2rem 0}
.tiles div{display:flex;flex-direction:column-reverse;justify-content:flex-end;background:var(--raised);border:1px solid var(--line);border-radius:8px;padding:.7rem .9rem}
.tiles dt{font-size:.85rem;color:var(--quiet);line-height:1.3}
.tiles dd{margin:0;font-size:1.6rem;font-weight:600;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto;margin:1rem 0}
table{border-collapse:collapse;font-size:.84rem;font-variant-numeric:tabular-nums;min-width:min(100%,30rem)}
caption{text-align:left;padding:0 0 .4rem;font-size:.92rem;font-weight:600}
th,td{padding:.28rem .5rem;text-align:right;white-space:nowrap}
thead th{border-bottom:1px solid var(--line);font-weight:600;color:var(--quiet);vertical-align:bottom}
thead th.group{text-align:center;border-bottom:0}
thead tr:first-child th{border-top:2px solid var(--ink)}
tbody tr:last-child>*{border-bottom:2px solid var(--ink)}
tbody th{font-weight:400}
tbody tr:nth-child(even){background:var(--raised)}
th.id,th.text,td.text,td.id{text-align:left}
th.id{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.95em}
td.long.text{white-space:normal;min-width:15rem;max-width:34rem;overflow-wrap:anywhere}
tbody th{position:sticky;left:0;background:var(--paper)}tbody tr:nth-child(even) th{background:var(--raised)}
td.clear{font-weight:700}
th[aria-sort]{cursor:pointer;user-select:none}
th[aria-sort]:hover,th[aria-sort]:focus-visible{color:var(--accent)}
th[aria-sort=ascending]::after{content:" \\2191"}th[aria-sort=descending]::after{content:" \\2193"}
figure{margin:1rem 0}
figcaption{font-size:.88rem;margin-top:.3rem}
svg{max-width:100%;height:auto}
svg text{fill:currentColor}
.pair{display:flex;flex-wrap:wrap;gap:0 2rem}
.pair figure{flex:1 1 22rem;min-width:0}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,max(200px,22%)),1fr));gap:1.1rem 1.3rem;margin:1rem 0}
.gallery figure{margin:0}
.gallery figcaption{margin-top:.15rem}
.pixels{image-rendering:pixelated;outline:1px solid #8a929e99;vertical-align:top;background:repeating-conic-gradient(#5c6470 0 25%,#474e59 0 50%) 0/12px 12px}
.gallery .pixels{width:calc(50% - 3px);height:auto;aspect-ratio:1}
.gallery .pixels+.pixels{margin-left:6px}
.trigger{display:flex;gap:1rem;align-items:center}
.trigger img{flex:none}
details{border:1px solid var(--line);border-radius:8px;margin:.8rem 0;padding:0 1rem}
summary{cursor:pointer;padding:.6rem 0;font-weight:500}
.strips-grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,430px),1fr));gap:.4rem 2rem;padding-bottom:.6rem}
.strips-grid figure{display:flex;flex-direction:column-reverse;justify-content:flex-end}
.strips-grid figcaption{color:var(--ink);font-size:.86rem;margin:0 0 .2rem;font-weight:500}
.strips{width:100%}
.q0{stroke:var(--q0)}.q1{stroke:var(--q1)}.q2{stroke:var(--q2)}.q3{stroke:var(--q3)}.q4{stroke:var(--q4)}.q5{stroke:var(--q5)}
.named{stroke:var(--ink)}.effective{stroke:var(--hit)}.passenger{stroke:var(--pass)}svg .quiet{fill:var(--quiet)}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;padding:0;font-size:.86rem}
.swatch{vertical-align:baseline}
.terms{display:grid;grid-template-columns:minmax(9rem,max-content) 1fr;gap:.3rem 1.2rem}
.terms dt{font-weight:600}.terms dd{margin:0}
footer{margin:3rem auto 2rem;color:var(--quiet);font-size:.88rem}
@media (max-width:640px){.terms{grid-template-columns:1fr}.terms dd{margin-bottom:.5rem}h1{font-size:1.5rem}}
@media print{nav{display:none}body{font-size:10pt}.scroll{overflow:visible}table{font-size:6.5pt}th,td{padding:.1rem .25rem}
figure,tr{break-inside:avoid}h2,h3{break-after:avoid}details{border:0;padding:0}}
`;

/** Sorts a table by a column on click or Enter; without it the page reads the same. */
export const SCRIPT = `
for (const th of document.querySelectorAll("thead th:not(.group)")) {
  const table = th.closest("table");
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
addEventListener("beforeprint", () => { for (const part of document.querySelectorAll("details")) part.open = true; });
`;
