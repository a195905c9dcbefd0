/** Light or dark: as the system has it, until the reader wants it otherwise; that is remembered, and followed by the pages that are open beside this one or in it. */
import { effect, signal } from '@preact/signals';

const key = 'natt-lab-theme';
const themes = ['light', 'dark'] as const;
type Theme = (typeof themes)[number];

const known = (text: string | null): Theme | undefined => themes.find((one) => one === text);

/** A page from a file may have no storage. */
function remembered(): Theme | undefined {
  try {
    return known(localStorage.getItem(key));
  } catch {
    return undefined;
  }
}

const theme = signal<Theme | undefined>(remembered());

effect(() => {
  if (theme.value === undefined) delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme.value;
});

addEventListener('storage', (event) => {
  if (event.key === key) theme.value = known(event.newValue);
});

export function toggleTheme(): void {
  const wanted = (theme.value ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark' ? 'light' : 'dark';
  theme.value = wanted;
  try {
    localStorage.setItem(key, wanted);
  } catch {
    // it holds for this page, then
  }
}

export const ThemeButton = ({ hint = '' }: { readonly hint?: string }) => <button type="button" onClick={toggleTheme} aria-label="Light or dark" title={`Light or dark${hint}`}>◐</button>;
