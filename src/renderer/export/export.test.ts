import { ndarray } from '@shared/maths/ndarray';
import { describe, expect, it } from 'vitest';
import { curveSvg, summaryOf } from './curve-svg';
import { html, markdown } from './markup';
import { pageOf, section, table } from './page';
import { mapMarkup } from './prototype-map';

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

  it('draws the map with each prototype, its name escaped', () => {
    const snapshot = {
      ...{ step: 1200, wall: 0, assignments: 1000, perplexity: 1.9 },
      ...{ churn: null, purity: null, nmi: null, swaps: [], shown: 0.4 },
      ids: ndarray(Int32Array.of(0, 1), [2]),
      bank: ndarray(Float32Array.of(0, 0, 10, 0), [2, 2]),
      features: ndarray(Float32Array.of(1, 0, 8, 0), [2, 2]),
      assignment: ndarray(Int32Array.of(0, 1), [2]),
      usage: ndarray(Float32Array.of(0.6, 0.4), [2]),
      plane: Float64Array.of(1, 0, 8, 0, 0, 0, 10, 0),
      alarms: () => [],
    };
    const planes = {
      all: [snapshot.plane],
      extent: { x: [0, 10], y: [-1, 1] } as const,
      shown: () => 0.4,
    };
    const labels = { nameOf: () => HOSTILE, colourOf: (p: number) => p };
    const page = pageOf('t', '', mapMarkup(snapshot, snapshot.plane, planes, labels));
    expect(page.match(/<circle/g)).toHaveLength(2);
    expect(page.match(/<path/g)).toHaveLength(2);
    expect(page).not.toContain('<img');
    expect(page).toContain('60.0 %');
    expect(page).toContain('40.0 % of their variance');
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
