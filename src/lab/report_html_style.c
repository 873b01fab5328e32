/*
 * report_html_style.c - the style sheet of report.html.
 *
 * Quiet: one text colour, one for what is secondary, hairlines, and colour only where it means
 * something. Better and worse are blue and orange, which no common colour-blindness confuses, and
 * are written out as words as well; the series (s0 to s7) follow Okabe and Ito. The dark values are
 * the same hues, lighter. On paper the light ones hold.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/report_html.h"

#include <stddef.h>

const char *const sheet_style[] = {
	":root{color-scheme:light dark;--paper:#fcfcfb;--card:#fff;--ink:#1b1d21;--soft:#63686f;"
	"--line:#dcdee1;--faint:#eceded;--band:#e9eff3;--better:#0067a8;--worse:#bf4e00;"
	"--same:#5b626b;--unclear:#8b9199;--warn:#bf4e00;"
	"--s0:#0072b2;--s1:#d55e00;--s2:#009e73;--s3:#b8558f;--s4:#c98a00;--s5:#3f9fd8;"
	"--s6:#6b4fa0;--s7:#6f7378}",
	"@media (prefers-color-scheme:dark){:root{--paper:#16181b;--card:#1d2024;--ink:#e4e6e9;"
	"--soft:#9aa1a9;--line:#34383e;--faint:#26292e;--band:#242d34;--better:#62b4ec;"
	"--worse:#f0924c;--same:#a5acb4;--unclear:#7d848c;--warn:#f0924c;"
	"--s0:#5aaee8;--s1:#f0853a;--s2:#3cc79f;--s3:#e08fbe;--s4:#e6b34a;--s5:#9fd3f5;"
	"--s6:#a48fdb;--s7:#a5abb2}}",
	"@media print{:root{--paper:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#bbb;"
	"--faint:#ddd;--band:#e6ecf0;--better:#00568c;--worse:#a34200;--same:#444;--unclear:#777}}",
	"*{box-sizing:border-box}",
	"body{margin:0;background:var(--paper);color:var(--ink);"
	"font:15px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",\"DejaVu Sans\","
	"sans-serif;-webkit-text-size-adjust:100%}",
	"main{max-width:1220px;margin:0 auto;padding:40px 28px 80px}",
	"header p{margin:0;color:var(--soft)}",
	"h1{font-size:26px;line-height:1.2;font-weight:650;margin:2px 0 4px;letter-spacing:-.01em;"
	"overflow-wrap:anywhere}",
	"h2{font-size:18px;font-weight:650;margin:0 0 2px}",
	"section{margin-top:52px}",
	".lead{margin:0 0 14px;color:var(--soft);max-width:76ch}",
	"small{font-size:12px;color:var(--soft);font-weight:400}",
	"code,pre{font:13px/1.5 ui-monospace,\"DejaVu Sans Mono\",Menlo,Consolas,monospace}",
	"pre{margin:0;padding:12px 14px;background:var(--faint);border-radius:6px;"
	"white-space:pre-wrap;overflow-wrap:anywhere}",
	"nav{margin-top:18px;display:flex;flex-wrap:wrap;gap:4px 18px;font-size:14px}",
	"a{color:var(--better);text-decoration:none}a:hover{text-decoration:underline}",
	".card{margin-top:22px;padding:24px 26px 22px;background:var(--card);"
	"border:1px solid var(--line);border-left:5px solid var(--better);border-radius:8px}",
	".card.careful{border-left-color:var(--warn)}",
	".card.silent{border-left-color:var(--unclear)}",
	".answer{margin:0;font-size:20px;line-height:1.42;font-weight:520;max-width:74ch;"
	"overflow-wrap:anywhere}",
	".facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(172px,1fr));"
	"gap:16px 24px;"
	"margin:20px 0 0}",
	".facts div{min-width:0}.facts dt{font-size:12.5px;color:var(--soft)}",
	".facts dd{margin:1px 0 0;font-variant-numeric:tabular-nums}",
	".facts dd b{font-weight:600}.facts small{display:block}",
	".scroll{overflow-x:auto;margin:0 -6px;padding:0 6px}",
	"table{border-collapse:collapse;font-size:13.5px;line-height:1.35;"
	"font-variant-numeric:tabular-nums}",
	"th{font-weight:500;color:var(--soft);text-align:left;vertical-align:bottom;"
	"padding:4px 7px;border-bottom:1px solid var(--line);white-space:nowrap}",
	"td{padding:2px 7px;white-space:nowrap;vertical-align:middle}",
	"th:first-child,td:first-child{padding-left:0}",
	".n{text-align:right}.dim{color:var(--soft)}.strong{font-weight:550}",
	".rank{color:var(--soft)}.rank b{color:var(--better)}",
	"td.level{max-width:170px;overflow:hidden;text-overflow:ellipsis}",
	".data td{height:24px;padding-top:0;padding-bottom:0}",
	".data .plot{padding:0 4px}",
	".data tbody tr:hover td{background:var(--faint)}",
	"tr.group td{border-top:1px solid var(--faint)}tr.group:first-child td{border-top:0}",
	"tr.baseline td{font-weight:600}tr.baseline td.dim{font-weight:400}",
	"tr.aa td{color:var(--soft);font-style:italic}",
	"td.says{font-weight:550}",
	"td.moved small{color:var(--soft)}th.moved,td.moved{padding-left:18px}",
	".says.better{color:var(--better)}.says.worse{color:var(--worse)}",
	".says.same{color:var(--same)}",
	".says.unclear,.says.nothing{color:var(--unclear);font-weight:400}",
	".plain td{white-space:normal;vertical-align:top;padding:4px 10px;"
	"border-bottom:1px solid var(--faint);overflow-wrap:anywhere}",
	".plain td:first-child{padding-left:0}.plain td.n,.plain td.k{white-space:nowrap}",
	"details{margin-top:6px}summary{cursor:pointer;color:var(--better);margin-bottom:8px}",
	".legend{list-style:none;display:flex;flex-wrap:wrap;gap:4px 20px;margin:0 0 6px;padding:0;"
	"font-size:13.5px}",
	".legend li{display:flex;align-items:center;gap:6px}",
	"svg{display:block}svg text{font-size:12px;fill:var(--soft)}",
	".figure{width:100%;min-width:680px;height:auto}",
	".start{text-anchor:start}.middle{text-anchor:middle}.end{text-anchor:end}",
	".grid{stroke:var(--faint);stroke-width:1}.axis{stroke:var(--line);stroke-width:1}",
	".forest .grid{stroke:var(--line);stroke-opacity:.6}",
	".band{fill:var(--band)}.unity{stroke:var(--soft);stroke-width:1}",
	".forest .side{font-size:11.5px}.forest .tick{font-size:11.5px}",
	".whisker{stroke:currentColor;fill:currentColor;stroke-width:1.6}",
	".point{stroke:var(--paper);stroke-width:1;fill:currentColor}",
	".forest .better{color:var(--better)}.forest .worse{color:var(--worse)}",
	".forest .same{color:var(--same)}.forest .unclear,.forest .nothing{color:var(--unclear)}",
	".point.unclear{fill:var(--paper);stroke:var(--unclear);stroke-width:1.6}",
	".point.baseline{fill:var(--ink)}",
	".forest .dot{fill:var(--better);fill-opacity:.5}",
	".estimate{stroke:var(--ink);stroke-width:1.6}",
	"tr.aa .dot{fill:var(--unclear)}",
	".run{stroke:var(--paper);stroke-width:.6}.run.hollow{fill:none;stroke-width:1.4}",
	".ring{fill:none;stroke:var(--ink);stroke-width:1.2}",
	".curve{fill:none;stroke-width:2;stroke-linejoin:round}",
	".s0{fill:var(--s0);color:var(--s0)}.s1{fill:var(--s1);color:var(--s1)}"
	".s2{fill:var(--s2);color:var(--s2)}.s3{fill:var(--s3);color:var(--s3)}"
	".s4{fill:var(--s4);color:var(--s4)}.s5{fill:var(--s5);color:var(--s5)}"
	".s6{fill:var(--s6);color:var(--s6)}.s7{fill:var(--s7);color:var(--s7)}",
	".reference{fill:var(--ink);color:var(--ink)}",
	".curve{stroke:currentColor}.curve.s0,.curve.s1,.curve.s2,.curve.s3,.curve.s4,.curve.s5,"
	".curve.s6,.curve.s7,.curve.reference{fill:none}.curve.reference{stroke-dasharray:5 4}",
	".hollow{stroke:currentColor}.run.hollow{fill:none}",
	".valid{fill:var(--s7);color:var(--s7)}.suspect{fill:var(--s4);color:var(--s4)}"
	".invalid,.failed{fill:var(--worse);color:var(--worse)}",
	"dl.method{max-width:80ch}.method dt{font-weight:600;margin-top:10px}.method dd{margin:0}",
	"footer{margin-top:60px;color:var(--soft);font-size:13px}",
	"@media (max-width:720px){main{padding:22px 16px 60px}.card{padding:18px 18px}"
	".answer{font-size:17px}section{margin-top:40px}td.level{max-width:110px}"
	".data .side:not(text),.interval,.against,.moved small,.value small{display:none}}",
	"@page{size:landscape;margin:12mm}",
	"@media print{main{max-width:none;padding:0}nav{display:none}section{margin-top:28px}"
	"tr,.card,svg{break-inside:avoid}h2{break-after:avoid}.scroll{overflow:visible}"
	"body{font-size:12px}table{font-size:11px}*{print-color-adjust:exact}}",
	NULL,
};
