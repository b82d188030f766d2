/** What is so near to the window's edge counts as in sight, px. */
const MARGIN = 120;

/**
 * Tells when an element comes into sight and leaves it: what nobody sees is not drawn. One that stands
 * in sight is told of at once: the observer speaks after the first frame, which would be without it.
 */
export function whenVisible(
  node: HTMLElement,
  tell: (visible: boolean) => void,
): { destroy(): void } {
  const { top, bottom } = node.getBoundingClientRect();
  if (bottom > -MARGIN && top < innerHeight + MARGIN) tell(true);
  const observer = new IntersectionObserver(
    (entries) => tell(entries.some(({ isIntersecting }) => isIntersecting)),
    { rootMargin: `${MARGIN}px` },
  );
  observer.observe(node);
  return { destroy: () => observer.disconnect() };
}
