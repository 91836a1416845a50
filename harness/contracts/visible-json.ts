/**
 * JSON for files that people and careless programs open: what could run as markup or turn the text around stands as \uXXXX.
 * It parses to exactly the same value. Ids and descriptions come from methods, models and datasets of others.
 */

/** `<`, `>`, `&`; C1 controls; zero-width and direction marks; line and paragraph separators; the byte-order mark. */
const UNSEEN = /[<>&\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

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
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
