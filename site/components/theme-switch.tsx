'use client';
/** Light, dark, or as the system says; kept in the browser and set before the first paint by lib/theme-script.ts. */
import { useSyncExternalStore } from 'react';
import { THEME_KEY, type Theme } from '../lib/theme-script.ts';

const CHANGED = 'themechange';

const THEMES: readonly { readonly id: Theme; readonly title: string; readonly icon: string }[] = [
  { id: 'system', title: 'Use the system theme', icon: 'M2 3h12v8H2zM5 14h6M8 11v3' },
  {
    id: 'light',
    title: 'Light colours',
    icon: 'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1',
  },
  { id: 'dark', title: 'Dark colours', icon: 'M13.5 9.8A6 6 0 0 1 6.2 2.5a6 6 0 1 0 7.3 7.3z' },
];

export function ThemeSwitch() {
  const theme = useSyncExternalStore(subscribe, readTheme, () => null);
  return (
    <div className="theme-switch" role="group" aria-label="Colours">
      {THEMES.map(({ id, title, icon }) => (
        <button
          key={id}
          type="button"
          aria-label={title}
          title={title}
          aria-pressed={theme === id}
          disabled={theme === null}
          onClick={() => setTheme(id)}
        >
          <svg
            viewBox="0 0 16 16"
            aria-hidden="true"
            fill="none"
            stroke="currentColor"
            strokeWidth="1.4"
            strokeLinecap="round"
            strokeLinejoin="round"
          >
            <path d={icon} />
          </svg>
        </button>
      ))}
    </div>
  );
}

function subscribe(onChange: () => void): () => void {
  window.addEventListener(CHANGED, onChange);
  window.addEventListener('storage', onChange);
  return () => {
    window.removeEventListener(CHANGED, onChange);
    window.removeEventListener('storage', onChange);
  };
}

function readTheme(): Theme {
  const theme = document.documentElement.dataset.theme;
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

function setTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === 'system') localStorage.removeItem(THEME_KEY);
    else localStorage.setItem(THEME_KEY, theme);
  } catch {
    // If the browser forbids storage, the choice lasts as long as the page.
  }
  window.dispatchEvent(new Event(CHANGED));
}
