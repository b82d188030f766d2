/** Tells when an element comes into sight and leaves it: what nobody sees is not drawn. */
export function whenVisible(
  node: HTMLElement,
  tell: (visible: boolean) => void,
): { destroy(): void } {
  const observer = new IntersectionObserver(
    (entries) => tell(entries.some(({ isIntersecting }) => isIntersecting)),
    { rootMargin: '120px' },
  );
  observer.observe(node);
  return { destroy: () => observer.disconnect() };
}
