import { html } from './markup';
import type { Markup } from './markup';

// Nothing may be fetched or run: what the file shows is in it.
const POLICY =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE = `
:root{color-scheme:light dark;--page:#f7f8f9;--surface:#fff;--line:#e0e3e8;--text:#16191d;--text2:#48505a;--text3:#626a75;--run:#2f4bbd}
@media(prefers-color-scheme:dark){:root{--page:#14171b;--surface:#1a1e23;--line:#292f36;--text:#e8eaed;--text2:#b3bac3;--text3:#929ba6;--run:#8fa3ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:13.5px/21px Inter,system-ui,"Segoe UI",sans-serif;font-variant-numeric:tabular-nums}
main{max-width:920px;margin:0 auto;padding:28px 20px 60px;display:grid;gap:12px}
h1{font-size:27px;line-height:34px;font-weight:690;margin:0}
h2{font-size:19px;line-height:26px;margin:0 0 4px}
h3{font-size:16px;line-height:22px;margin:8px 0 2px}
section{background:var(--surface);border:1px solid var(--line);border-radius:8px;padding:12px 16px;min-width:0;overflow-wrap:anywhere}
.cell{font-size:13px;font-weight:620;margin:0 0 8px}.cell span{font-weight:400;color:var(--text3)}
.meta,figcaption,caption{color:var(--text3);font-size:12px;line-height:18px;margin:2px 0}
figure{margin:0 0 10px}figcaption{color:var(--text);font-weight:600;text-align:left}
svg{width:100%;height:auto;display:block}svg text{font-size:10.5px;fill:var(--text3)}
.grid{stroke:var(--line)}polyline{fill:none;stroke:var(--run);stroke-width:1.6;vector-effect:non-scaling-stroke}
img{image-rendering:pixelated;max-width:100%;border-radius:2px}
table{border-collapse:collapse;width:100%;font-size:12.5px}th,td{text-align:left;padding:2px 12px 2px 0;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:400;color:var(--text3)}details{margin-top:8px}summary{cursor:pointer;color:var(--text2)}
pre,code{font-family:"JetBrains Mono",ui-monospace,monospace;font-size:12px}pre{overflow-x:auto}
p{margin:4px 0}`;

/** One self-contained page: readable in both themes, without scripts and without a network. */
export function pageOf(title: string, about: string, sections: readonly Markup[]): string {
  const policy = html`<meta http-equiv="Content-Security-Policy" content="${POLICY}" />`;
  const { text } = html`<main>
    <header>
      <h1>${title}</h1>
      <p class="meta">${about}</p>
    </header>
    ${sections}
  </main>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8" />
${policy.text}
<meta name="viewport" content="width=device-width" />
${html`<title>${title}</title>`.text}
<style>${STYLE}</style>
</head>
<body>
${text}
</body>
</html>
`;
}

/** One cell: its heading, and what stands in it. */
export function section(
  number: number,
  title: string,
  source: string,
  body: readonly Markup[],
): Markup {
  return html`<section>
    <p class="cell">${number} ${title} <span>${source}</span></p>
    ${body}
  </section>`;
}

/** Settings by path; what is a table itself is taken apart. */
export function table(values: unknown): Markup {
  const rows = flatten(values, '').map(
    ([path, value]) =>
      html`<tr>
        <th scope="row">${path}</th>
        <td>${value}</td>
      </tr>`,
  );
  return html`<table>
    ${rows}
  </table>`;
}

function flatten(value: unknown, path: string): [string, string][] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([key, part]) =>
      flatten(part, path === '' ? key : `${path} ${key}`),
    );
  }
  return [[path.replace(/_/g, ' '), typeof value === 'string' ? value : JSON.stringify(value)]];
}
