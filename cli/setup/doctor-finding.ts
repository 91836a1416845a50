/** A line of what `shrinkrank doctor` says. */
export interface Finding {
  readonly subject: string;
  readonly state: 'ok' | 'limited' | 'missing';
  readonly text: string;
}
