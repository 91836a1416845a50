import { hostileCommand } from './shared/hostile-method.ts';

/** Children of a process that ignores SIGCHLD, whose time the kernel adds to nobody's; their parent is an orphan. */
const PROGRAM = `
sub work { while (1) { my @t = times; last if $t[0] + $t[1] > 1 } exit 0 }
if (fork == 0) {
  if (fork == 0) { $SIG{CHLD} = "IGNORE"; for (1 .. 3) { if (fork == 0) { work() } wait } open(my $done, ">", "done"); exit 0 }
  exit 0;
}
wait;
select(undef, undef, undef, 0.05) until -e "done";
`;

export default hostileCommand({
  id: 'hidden-cpu',
  description: 'Works for three seconds in processes that nobody waits for.',
  script: `perl -e '${PROGRAM}'`,
});
