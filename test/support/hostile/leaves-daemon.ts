import { hostileCommand } from './shared/hostile-method.ts';

export default hostileCommand({
  id: 'leaves-daemon',
  description: 'Leaves a process behind that has left its session, its group and its parent, and ends well.',
  script: '(setsid sh -c "trap : HUP INT TERM; sleep 86398 & sleep 86398" &) ; sleep 0.5; exit 0',
});
