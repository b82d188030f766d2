/** Where an icon of Lucide is, and what it is drawn of. */
const ICON = /@lucide[\\/]svelte[\\/]dist[\\/]icons[\\/][\w-]+\.svelte$/;
const DRAWING = /const iconData = (\{.*\});/;

/**
 * A Vite plugin: Lucide's icons as plain markup. As they come, each builds its drawing from a list, which
 * takes 30 ms of a page's second for the hundred that it shows. They take `size`, `strokeWidth` and `fill`,
 * and mean nothing to who cannot see them.
 */
export function plainIcons() {
  return {
    name: 'plain-icons',
    enforce: 'pre',
    transform: {
      filter: { id: ICON },
      handler: (code, id) => ({ code: plain(code, id), map: null }),
    },
  };
}

/** @throws Error where the library writes its icons in another way */
export function plain(code, id) {
  const [, data] = DRAWING.exec(code) ?? [];
  if (data === undefined) throw new Error(`${id} has no drawing: Lucide writes its icons anew.`);
  const { name, size: edge, node } = JSON.parse(data);
  const attributes = (of) => Object.entries(of).map(([key, value]) => ` ${key}="${value}"`);
  const shapes = node.map(([tag, of]) => `<${tag}${attributes(of).join('')} />`);
  return `<script>let { size = ${edge}, strokeWidth = 2, fill = 'none' } = $props();</script>
<svg class="lucide lucide-${name}" width={size} height={size} viewBox="0 0 ${edge} ${edge}" {fill}
  stroke="currentColor" stroke-width={strokeWidth} stroke-linecap="round" stroke-linejoin="round"
  aria-hidden="true">${shapes.join('')}</svg>`;
}
