/** What is so near to the window's edge counts as in sight, px. */
const MARGIN = 120;

/**
 * Tells when an element comes into sight and leaves it: what nobody sees is not drawn, be it scrolled
 * away or in a window that is hidden. One that stands in sight is told of at once: the observer speaks
 * after the first frame, which would be without it.
 */
export function whenVisible(
  node: HTMLElement,
  tell: (visible: boolean) => void,
): { destroy(): void } {
  const { top, bottom } = node.getBoundingClientRect();
  let near = bottom > -MARGIN && top < innerHeight + MARGIN;
  const say = (): void => tell(near && document.visibilityState === 'visible');
  if (near) say();
  const observer = new IntersectionObserver(
    (entries) => {
      near = entries.some(({ isIntersecting }) => isIntersecting);
      say();
    },
    { rootMargin: `${MARGIN}px` },
  );
  observer.observe(node);
  document.addEventListener('visibilitychange', say);
  return {
    destroy() {
      observer.disconnect();
      document.removeEventListener('visibilitychange', say);
    },
  };
}
