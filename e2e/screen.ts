import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Locator, Page } from '@playwright/test';
import type { AxeResults } from 'axe-core';
import { expect } from './fixtures';

// The page's policy forbids foreign scripts, so the source is evaluated by the debugger instead.
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** px that a target has at least in each direction; the height of a slider's row. */
const [TARGET, SLIDER] = [22, 16];
/** Presses of Tab until one gives up: more than any screen has stops. */
const STOPS = 250;

interface Box {
  width: number;
  height: number;
}
/** What of the DOM is used inside the page, whose types the specs do not know. */
interface Node extends Box {
  tagName: string;
  type?: string;
  outerHTML: string;
  scrollWidth: number;
  clientWidth: number;
  parentElement: Node | null;
  closest(selector: string): Node | null;
  matches(selector: string): boolean;
  getBoundingClientRect(): Box;
}

/**
 * Serious and critical findings of axe-core, each with the elements it is about: of all its rules, or of
 * those about colours, which are all that another theme can break.
 */
export async function findings(page: Page, rules: 'all' | 'colours'): Promise<string[]> {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(
    (options) => {
      type Run = (options: object) => Promise<AxeResults>;
      return (globalThis as unknown as { axe: { run: Run } }).axe.run(options);
    },
    {
      resultTypes: ['violations'],
      ...(rules === 'colours' && { runOnly: ['color-contrast', 'link-in-text-block'] }),
    },
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ html, any }) => `${id}: ${html.slice(0, 200)} ${any[0]?.message ?? ''}`),
    );
}

/** Visible targets smaller than they may be; a box with a label is hit by its label too. */
export async function smallTargets(page: Page): Promise<string[]> {
  const targets = page.locator('button, select, input, textarea, nav a, summary, [role="slider"]');
  return await targets.filter({ visible: true }).evaluateAll(
    (nodes, [target = 0, slider = 0]) =>
      (nodes as unknown as Node[]).flatMap((node) => {
        const { width, height } = (
          node.type === 'checkbox' ? (node.closest('label') ?? node) : node
        ).getBoundingClientRect();
        const least = node.type === 'range' ? slider : target;
        const small = width < target - 0.5 || height < least - 0.5;
        return small ? [`${width} x ${height}: ${node.outerHTML.slice(0, 160)}`] : [];
      }),
    [TARGET, SLIDER],
  );
}

/** Boxes that can be scrolled sideways, of those that hold a screen together. */
export async function sidewaysScrolls(page: Page): Promise<string[]> {
  return await page
    .locator('html, body, main, main > *, aside, nav[aria-label="Workspace"]')
    .evaluateAll((nodes) =>
      (nodes as unknown as Node[])
        .filter(({ scrollWidth, clientWidth }) => clientWidth > 0 && scrollWidth > clientWidth + 1)
        .map(
          (node) => `${node.scrollWidth} > ${node.clientWidth}: ${node.outerHTML.slice(0, 120)}`,
        ),
    );
}

/** Canvases and plots that neither are told in words nor lie in something that is. */
export async function untold(page: Page): Promise<string[]> {
  const told =
    '[role="img"][aria-label], [role="listbox"][aria-describedby], [role="gridcell"] [aria-label], [role="gridcell"][aria-label]';
  return await page
    .locator('canvas, svg.main-svg')
    .filter({ visible: true })
    .evaluateAll(
      (nodes, words) =>
        (nodes as unknown as Node[])
          .filter((node) => !node.parentElement?.closest(words))
          .map((node) => node.parentElement?.outerHTML.slice(0, 200) ?? ''),
      told,
    );
}

/** Moves the focus by Tab alone until `to` has it, and sees that it shows. */
export async function tabTo(page: Page, to: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab') {
  await expect(to).toBeVisible();
  // Found once, and again if the page drew it anew: looking for a role goes through the whole page.
  let target = await to.elementHandle();
  for (let n = 0; n < STOPS; n++) {
    if (!(await target?.evaluate((node) => node.isConnected))) target = await to.elementHandle();
    if (await target?.evaluate((node) => (node as unknown as Node).matches(':focus'))) {
      await expect(to).toBeInViewport();
      const ring = await to.evaluate((node) => {
        const { getComputedStyle } = globalThis as unknown as {
          getComputedStyle(node: unknown): { outlineStyle: string; outlineWidth: string };
        };
        const { outlineStyle, outlineWidth } = getComputedStyle(node);
        return outlineStyle === 'none' ? 0 : Number.parseFloat(outlineWidth);
      });
      expect(ring, `the ring of the focus on ${String(to)}`).toBeGreaterThanOrEqual(2);
      return;
    }
    await page.keyboard.press(key);
  }
  throw new Error(`${STOPS} presses of ${key} did not reach ${String(to)}.`);
}

/**
 * Counts what a pointer does in the page from now on. Moves are left out: Chromium makes them by
 * itself where the page moves under a resting cursor.
 */
export async function watchPointer(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    const window = globalThis as unknown as {
      pointed: number;
      addEventListener(name: string, act: () => void, capture: boolean): void;
    };
    window.pointed = 0;
    for (const name of ['pointerdown', 'mousedown', 'wheel', 'touchstart']) {
      window.addEventListener(name, () => (window.pointed += 1), true);
    }
  });
  return () => page.evaluate(() => (globalThis as unknown as { pointed: number }).pointed);
}
