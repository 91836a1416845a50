/**
 * JSON for files that people and careless programs open: what could run as markup or turn the text around stands as \uXXXX.
 * It parses to exactly the same value. Ids and descriptions come from methods, models and datasets of others.
 */

/** Markup; controls; what only steers other characters (direction, joining, tags); line and paragraph separators. */
const UNSEEN = /[<>&\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

export function visibleJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(UNSEEN, escaped);
}

/** The same for text by itself, line breaks and other controls included; what is markup elsewhere is only text here. */
export function visibleText(text: string): string {
  return JSON.stringify(text)
    .slice(1, -1)
    .replaceAll(/\\(["\\])/g, '$1')
    .replaceAll(UNSEEN, (character) => ('<>&'.includes(character) ? character : escaped(character)));
}

function escaped(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}
