/** Light or dark: as the system has it, until the person chooses. */
export type Theme = 'system' | 'light' | 'dark';

const KEY = 'nudge-theme';

export class Appearance {
  theme = $state<Theme>('system');
  /** What is on the screen now. */
  dark = $state(false);

  readonly #systemIsDark = matchMedia('(prefers-color-scheme: dark)');

  constructor() {
    this.#systemIsDark.addEventListener('change', () => this.#apply());
    const stored = readStored();
    this.theme = stored === 'light' || stored === 'dark' ? stored : 'system';
    this.#apply();
  }

  choose(theme: Theme): void {
    this.theme = theme;
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // A browser that keeps nothing still shows the theme for this visit.
    }
    this.#apply();
  }

  #apply(): void {
    this.dark = this.theme === 'dark' || (this.theme === 'system' && this.#systemIsDark.matches);
    document.documentElement.dataset.theme = this.dark ? 'dark' : 'light';
  }
}

function readStored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** As if nothing had been chosen, from the next visit on. */
export function forgetTheme(): void {
  try {
    localStorage.removeItem(KEY);
  } catch {
    // A browser that keeps nothing has nothing to forget.
  }
}
