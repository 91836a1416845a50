/** The English words of TinyWorld; names are generated in names.ts. */
import { nouns, phrases, words } from './prose.ts';

/** Things that can be carried; all can be in the places below. */
export const THINGS = nouns(
  'lamp box/boxes basket key book bottle candle blanket hammer kettle mirror drum rope bucket ladder clock letter map ' +
    'coat hat boot glove ring necklace brush/brushes knife/knives spoon plate cup jug saddle saw shovel needle thimble ' +
    'whistle flute doll kite ball coin purse sack barrel chest chair stool table bench/benches umbrella apron axe/axes ' +
    'oar anchor net bell lantern pillow carpet painting statue vase teapot ribbon feather wheel quilt/quilts inkwell',
);

/** Things that are counted. */
export const GOODS = nouns(
  'apple pear plum fig egg loaf/loaves biscuit carrot onion turnip candle button marble shell pebble nail ticket stamp ' +
    'coin nut acorn fish/fish hen goat sheep/sheep duck rose tulip walnut orange peach/peaches melon bean pie cake',
);

export const PLACES = words(
  'kitchen cellar attic garden barn stable mill chapel library market bakery forge harbour tower orchard meadow ' +
    'courtyard workshop storeroom schoolroom greenhouse pantry hall bedroom tavern lighthouse vineyard cave forest boathouse ' +
    'laundry theatre museum prison palace kennel henhouse dairy cottage shed',
);

export const THING_ADJECTIVES = words(
  'old new small large heavy broken wooden golden silver red blue green yellow grey white black dusty shiny ugly ' +
    'expensive empty ancient iron orange useful ordinary elegant painted rusty round',
);

/** States of a thing or a person. */
export const THING_STATES = words(
  'wet dry cold warm dirty clean missing ready useless precious dangerous strange lost hidden gone',
);
export const PERSON_STATES = words(
  'tired happy hungry angry proud lonely sleepy cheerful nervous thirsty busy late quiet sick brave polite curious jealous',
);

/** People by relation or occupation; each list determines the pronoun. */
export const WOMEN = nouns(
  'woman/women girl aunt sister mother grandmother daughter queen widow princess/princesses niece bride nun/nuns lady/ladies',
);
export const MEN = nouns(
  'man/men boy uncle brother father grandfather son king widower prince nephew monk/monks gentleman/gentlemen bridegroom',
);
export const ROLES = nouns(
  'neighbour guard farmer traveller child/children student stranger servant merchant guest soldier sailor teacher ' +
    'pilot singer dancer thief/thieves hunter doctor cook judge visitor',
);

/** Present and past, each with singular and plural. */
export const SINGULAR_PLURAL_VERBS: readonly (readonly [string, string])[] = [
  ['was', 'were'],
  ['is', 'are'],
];

export const THING_VERBS: readonly (readonly [string, string])[] = [
  ['stands', 'stand'],
  ['lies', 'lie'],
  ['belongs', 'belong'],
  ['costs', 'cost'],
  ['looks', 'look'],
];

export const PERSON_VERBS: readonly (readonly [string, string])[] = [
  ['sings', 'sing'],
  ['waits', 'wait'],
  ['works', 'work'],
  ['laughs', 'laugh'],
  ['sleeps', 'sleep'],
  ['dances', 'dance'],
  ['talks', 'talk'],
  ['cries', 'cry'],
  ['walks', 'walk'],
  ['listens', 'listen'],
];

/** Simple past and participle. */
export const IRREGULAR_VERBS: readonly (readonly [string, string])[] = [
  ['ate', 'eaten'],
  ['broke', 'broken'],
  ['chose', 'chosen'],
  ['drew', 'drawn'],
  ['forgot', 'forgotten'],
  ['gave away', 'given away'],
  ['hid', 'hidden'],
  ['rode off with', 'ridden off with'],
  ['saw', 'seen'],
  ['shook', 'shaken'],
  ['stole', 'stolen'],
  ['threw away', 'thrown away'],
  ['took', 'taken'],
  ['tore', 'torn'],
  ['wrote about', 'written about'],
];

export const NEAR = words('near behind beside above below under');

export const WEATHER = words(
  'cold warm windy rainy foggy sunny cloudy stormy snowy grey bright quiet dark frosty mild',
);
export const DAYS = words(
  'morning evening afternoon night day Monday Tuesday Wednesday Thursday Friday Saturday Sunday',
);
export const SEASONS = words('spring summer autumn winter');
export const MONTHS = words('January February March April May June July August September October November December');

export const TRADES = words(
  'baker weaver miller potter carpenter tailor shepherd fisher mason painter locksmith gardener beekeeper cobbler ' +
    'blacksmith barber printer brewer butcher clockmaker astronomer innkeeper actor engraver umbrella-maker glassblower ' +
    'tinker librarian ferryman midwife judge poet goldsmith candlemaker ropemaker saddler cartographer apothecary ' +
    'bellringer woodcutter',
);
export const FOODS = phrases(
  'honey cake,onion soup,fried fish,plum jam,goat cheese,roast chestnuts,black bread,apple pie,lentil stew,pickled eggs,' +
    'mushroom pie,sweet rice,pumpkin soup,salted nuts,raspberry tart,boiled potatoes,smoked eel,poppy rolls,cold ham,' +
    'walnut bread,fig pudding,barley porridge,baked pears,pepper sausage,cream buns,turnip salad,cherry dumplings,' +
    'oat biscuits,warm milk,red cabbage',
);
export const INSTRUMENTS = words(
  'fiddle flute drum harp trumpet organ lute bagpipe horn zither accordion clarinet oboe guitar bassoon banjo whistle ' +
    'cello tambourine piano trombone xylophone',
);
export const FEARS = phrases(
  'thunder,spiders,deep water,dogs,the dark,high bridges,geese,ghosts,fire,snakes,mice,strangers,empty rooms,bees,wolves,' +
    'mirrors,bats,crowds,horses,frogs,owls,ladders,moths,fog',
);
export const PRODUCTS = phrases(
  'bells,cheese,carpets,glass,pottery,clocks,silk,paper,knives,wine,salt,lace,leather,candles,honey,rope,mirrors,tea,' +
    'soap,ink,hats,pearls,copper pots,wool,masks,violins,amber,kites,pipes,barrels',
);
export const FEASTS = phrases(
  'the Feast of Lanterns,the Day of Boats,the Night of Masks,the Feast of Bread,the Race of Geese,the Day of Silence,' +
    'the Feast of Ladders,the Night of Kites,the Dance of Brooms,the Day of Mirrors,the Feast of Snow,the Parade of Goats,' +
    'the Night of Owls,the Day of Letters,the Feast of Plums,the Dance of Shadows',
);
export const COLOURS = words('red blue green yellow white black brown grey purple orange pink silver golden');
export const CREATURE_FOODS = phrases(
  'beetles,moss,river weed,acorns,small fish,berries,clover,snails,roots,moths,bark,frogs,seeds,worms,honey,mushrooms,eggs,' +
    'reeds,nettles,pine cones',
);
export const HABITATS = phrases(
  'hollow trees,deep caves,wet meadows,old chimneys,the reeds,dry wells,high cliffs,the dunes,thick hedges,church towers,' +
    'marshes,stone walls,pine forests,the snow,river banks,haystacks',
);
export const VOICES = phrases(
  'a rusty hinge,a kettle,a crying child,distant thunder,a broken flute,falling gravel,a wet boot,a sleepy cow,an old door,' +
    'a saw,a squeaking wheel,a cracked bell,boiling soup,a sneezing man,a torn sail,dry leaves,a loose string,a hoarse duck',
);
