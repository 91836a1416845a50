/** Invented names, composed of syllables. The form of a name does not reveal the gender. */
import type { Random } from '../../../numerics/tensor/random.ts';
import { capitalized, pick, words } from './prose.ts';

const PERSON_STARTS = words(
  'al bel bran cor dal dor el em fal fen gar gil hal hel is jor kel kor lan lin mar mel nor or pel per quil ral ros sal ' +
    'sel tam tor ul val vor wil yor zan zel',
);
const PERSON_ENDS = words(
  'a o i en in an el is or us ia eo da din do ko la len lo mi mon na nel no ra ren ric ro sa ta tin to va wen',
);
const TOWN_STARTS = words(
  'ash brack corn dun elm fal grim hol iron kest lor mar nor oak pel quar rav stan thorn und vel wex yar zol',
);
const TOWN_ENDS = words('by don field ford gate ham holm low mere mouth port stead ton wick wold');
const COUNTRY_STARTS = words('ar bor cas dar est gol kar lum mor nav ost por sar tal ver');
const COUNTRY_ENDS = words('avia enia ia mark land onia');
const RIVER_STARTS = words('an bree cal dre el fir gan il lue mos nar or sle tir ur wen yss');
const RIVER_ENDS = words('da le ma na ne ra re sk va wa');
const CREATURE_STARTS = words('bl br ch cr dr fl gl gr kl kr pl pr sl sn sp spl squ st thr tr tw');
const CREATURE_ENDS = words('ibble ock umble onk eeble arg oomp ivet addle orm uffin eck');

/** Syllable combinations that happen to be other words. */
const WORDS_ALREADY = words('Oreo Salmon Fennel Storm Melon Salon Torus Linen Coral Norm');

export interface Names {
  readonly people: readonly string[];
  /** Names of no person of the world: for stories whose facts hold in one story only. */
  readonly strangers: readonly string[];
  readonly towns: readonly string[];
  readonly countries: readonly string[];
  readonly rivers: readonly string[];
  /** Lower case, singular; the plural takes an s. */
  readonly creatures: readonly string[];
}

export interface NameCounts {
  readonly people: number;
  readonly strangers: number;
  readonly towns: number;
  readonly countries: number;
  readonly rivers: number;
  readonly creatures: number;
}

/** All names are distinct, within a kind and between kinds. */
export function inventNames(random: Random, counts: NameCounts): Names {
  const taken = new Set<string>(WORDS_ALREADY);
  function invent(count: number, starts: readonly string[], ends: readonly string[]): string[] {
    const names: string[] = [];
    while (names.length < count) {
      const name = capitalized(pick(random, starts) + pick(random, ends));
      if (taken.has(name)) continue;
      taken.add(name);
      names.push(name);
    }
    return names;
  }
  const people = invent(counts.people + counts.strangers, PERSON_STARTS, PERSON_ENDS);
  return {
    people: people.slice(0, counts.people),
    strangers: people.slice(counts.people),
    towns: invent(counts.towns, TOWN_STARTS, TOWN_ENDS),
    countries: invent(counts.countries, COUNTRY_STARTS, COUNTRY_ENDS),
    rivers: invent(counts.rivers, RIVER_STARTS, RIVER_ENDS),
    creatures: invent(counts.creatures, CREATURE_STARTS, CREATURE_ENDS).map((name) => name.toLowerCase()),
  };
}
