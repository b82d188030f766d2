import { describe, expect, it } from 'vitest';
import { curveSvg, summaryOf } from './curve-svg';
import { html, markdown } from './markup';
import { pageOf, section, table } from './page';

const HOSTILE = `<img src=x onerror="alert(1)">'&`;

describe('the exported page', () => {
  it('escapes hostile text wherever it can stand', () => {
    const page = pageOf(HOSTILE, HOSTILE, [
      section(1, HOSTILE, HOSTILE, [table({ path: HOSTILE, [HOSTILE]: [HOSTILE] })]),
      html`<section>
        ${markdown(`# ${HOSTILE}\n\n- ${HOSTILE}\n\n\`${HOSTILE}\`\n\n<script>x</script>`)}
      </section>`,
      curveSvg(HOSTILE, HOSTILE, new Float64Array([1, 2]), new Float64Array([1, 2]), false),
    ]);
    expect(page).not.toContain('<img');
    expect(page).not.toContain('<script');
    expect(page).not.toMatch(/<[^>]*onerror="/);
    expect(page).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&#39;&amp;');
    expect(page).toContain('default-src &#39;none&#39;');
  });

  it('writes Markdown as notes show it', () => {
    const { text } = markdown('# A *b*\n\n1. **c**');
    expect(text.replace(/\s*\n\s*/g, '')).toBe('<h2>A <em>b</em></h2><ol><li><b>c</b></li></ol>');
  });

  it('says a curve in words, gaps left out', () => {
    const x = new Float64Array([1, 2, 3, 4]);
    const y = new Float64Array([NaN, 2, 0.5, 1]);
    expect(summaryOf('Loss', 'brisk-heron', x, y)).toBe(
      'Loss of brisk-heron: from 2.00 to 1.00; lowest 0.500 at step 3.',
    );
    expect(curveSvg('Loss', 'r', x, y, true).text).toMatch(/points="[\d., ]+"/);
    expect(curveSvg('Loss', 'r', x, new Float64Array(4).fill(NaN), true).text).toContain(
      'no value',
    );
  });

  it('keeps a long run small', () => {
    const n = 100_000;
    const x = Float64Array.from({ length: n }, (_, i) => i + 1);
    const y = x.map((step) => 1 / step + (step % 7) * 1e-3);
    expect(curveSvg('Loss', 'r', x, y, true).text.length).toBeLessThan(25_000);
  });
});
