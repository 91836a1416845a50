import { observing } from './observe.ts';

export default observing('trained');
