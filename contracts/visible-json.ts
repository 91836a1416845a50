/**
 * JSON for files that people and unsafe programs open: characters that could act as markup or change the text direction
 * are \uXXXX.
 * It parses to exactly the same value. Ids and descriptions come from methods, models and datasets of third parties.
 */

/** Markup; controls; invisible formatting characters (direction, joining, tags); line and paragraph separators. */
const UNSEEN = /[<>&\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

export function visibleJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(UNSEEN, escaped);
}

/** The same for plain text, including line breaks and other controls; markup characters are kept. */
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
