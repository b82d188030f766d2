const KEY = 'protodiff.theme';

/** Light or dark: the system's until a person chooses, then theirs, remembered. */
class Theme {
  dark = $state(false);
  private chosen = false;

  begin(page: Window): void {
    const system = page.matchMedia('(prefers-color-scheme: dark)');
    const kept = page.localStorage.getItem(KEY);
    this.chosen = kept === 'dark' || kept === 'light';
    this.set(page, this.chosen ? kept === 'dark' : system.matches);
    system.addEventListener('change', ({ matches }) => {
      if (!this.chosen) this.set(page, matches);
    });
  }

  toggle(page: Window): void {
    this.chosen = true;
    this.set(page, !this.dark);
    page.localStorage.setItem(KEY, this.dark ? 'dark' : 'light');
  }

  private set(page: Window, dark: boolean): void {
    this.dark = dark;
    page.document.documentElement.dataset['theme'] = dark ? 'dark' : 'light';
  }
}

export const theme = new Theme();
