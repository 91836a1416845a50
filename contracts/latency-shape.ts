/** Names of the shapes that latency is timed at. */

const ALL_CORES = '-all-cores';

/** `8x128` on one thread, `8x128-all-cores` on several. */
export function shapeId({
  batch,
  sequence,
  threads,
}: {
  readonly batch: number;
  readonly sequence: number;
  readonly threads: number;
}): string {
  return `${batch}x${sequence}${threads > 1 ? ALL_CORES : ''}`;
}

export function isOnAllCores(shape: string): boolean {
  return shape.endsWith(ALL_CORES);
}
