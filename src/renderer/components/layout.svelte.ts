/** Whether the window is in its compact layout (under 1240 px, or zoomed to that). */
class Layout {
  compact = $state(false);

  begin(page: Window): void {
    const narrow = page.matchMedia('(max-width: 1239px)');
    this.compact = narrow.matches;
    narrow.addEventListener('change', ({ matches }) => (this.compact = matches));
  }
}

export const layout = new Layout();
