import { lexer } from 'marked';
import type { Token, Tokens } from 'marked';

/** HTML that is safe to write out: made by `html` alone. */
export class Markup {
  constructor(readonly text: string) {}
}

type Part = string | number | Markup | readonly Markup[];

/** A template whose holes are escaped, unless they are markup themselves. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Markup {
  const written = parts.map((part) =>
    part instanceof Markup
      ? part.text
      : typeof part === 'object'
        ? part.map(({ text }) => text).join('')
        : escape(String(part)),
  );
  return new Markup(strings.map((piece, i) => piece + (written[i] ?? '')).join(''));
}

export function escape(text: string): string {
  const named: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (sign) => named[sign] ?? sign);
}

/** Markdown as the note cells show it: headings, emphasis, lists, code; HTML in it stays text. */
export function markdown(text: string): Markup {
  return html`${lexer(text).map(block)}`;
}

const inner = (token: Token): Token[] => ('tokens' in token ? (token.tokens ?? []) : []);

function inline(token: Token): Markup {
  const within = inner(token).map(inline);
  if (token.type === 'strong') return html`<b>${within}</b>`;
  if (token.type === 'em') return html`<em>${within}</em>`;
  if (token.type === 'del') return html`<s>${within}</s>`;
  if (token.type === 'codespan') return html`<code>${(token as Tokens.Codespan).text}</code>`;
  if (token.type === 'br') return html`<br />`;
  if (within.length > 0) return html`${within}`;
  return html`${'text' in token ? String(token.text) : token.raw}`;
}

function block(token: Token): Markup {
  const within = (): Markup[] => inner(token).map(inline);
  switch (token.type) {
    case 'heading':
      return (token as Tokens.Heading).depth === 1
        ? html`<h2>${within()}</h2>`
        : html`<h3>${within()}</h3>`;
    case 'paragraph':
      return html`<p>${within()}</p>`;
    case 'list': {
      const { ordered, items } = token as Tokens.List;
      const rows = items.map((item) => html`<li>${item.tokens.map(block)}</li>`);
      return ordered
        ? html`<ol>
            ${rows}
          </ol>`
        : html`<ul>
            ${rows}
          </ul>`;
    }
    case 'code':
      return html`<pre>${(token as Tokens.Code).text}</pre>`;
    case 'blockquote':
      return html`<blockquote>${inner(token).map(block)}</blockquote>`;
    case 'hr':
      return html`<hr />`;
    case 'space':
      return html``;
    default:
      return inner(token).length > 0 ? html`${within()}` : html`${token.raw}`;
  }
}
