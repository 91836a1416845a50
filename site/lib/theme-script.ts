/** Runs before the first paint, so that a page never flashes in the wrong theme. */
export type Theme = 'system' | 'light' | 'dark';

export const THEME_KEY = 'theme';

export const themeScript =
  `try{var t=localStorage.getItem('${THEME_KEY}');` +
  `if(t==='light'||t==='dark')document.documentElement.dataset.theme=t}catch(e){}`;
