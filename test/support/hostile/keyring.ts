import { hostileCommand } from './shared/hostile-method.ts';

/** add_key, request_key and keyctl of x86-64 and arm64. */
const PROGRAM = `
my $x64 = (qx(uname -m) =~ /x86_64/);
my ($type, $name, $secret) = ("user", "from-another-trial", "state");
my @errors;
for my $call ($x64 ? (248, 249, 250) : (217, 218, 219)) {
  $! = 0;
  my $result = $call == ($x64 ? 250 : 219) ? syscall($call, 0, -3, 0) : syscall($call, $type, $name, $secret, 5, -4);
  push @errors, $result < 0 ? $! + 0 : 0;
}
die "refused: @errors";
`;

export default hostileCommand({
  id: 'keyring',
  description: 'Reads the keys of whoever started the run, and leaves one for the next trial.',
  script: `perl -e '${PROGRAM}'`,
});
