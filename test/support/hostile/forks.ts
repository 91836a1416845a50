import { hostileCommand } from './shared/hostile-method.ts';

export default hostileCommand({
  id: 'forks',
  description: 'Starts processes without end, each of which does the same.',
  script: 'grow() { sleep 86397 & grow & grow; }; grow',
});
