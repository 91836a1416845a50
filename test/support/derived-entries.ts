/** Entries of a board with what headlines and fronts look at. */
import type { Compute, DerivedEntry } from '../../contracts/derived.ts';

const DENSE_BYTES = 1_000_000;
export interface Literal {
  readonly slug: string;
  readonly trains?: boolean;
  /** Times smaller than dense. */
  readonly ratio: number;
  readonly loss: number;
  readonly seconds?: number;
}

export const compute = (seconds: number, deviation: number | null = null): Compute => ({
  seconds,
  unit: 'processor',
  runs: deviation === null ? 1 : 3,
  deviation,
});

/** Entries with what a headline looks at; best quality first gives the places. */
export function entriesOf(literals: readonly Literal[]): DerivedEntry[] {
  const order = literals.toSorted((a, b) => a.loss - b.loss);
  return literals.map((literal): DerivedEntry => {
    const { slug, trains = false, ratio, loss, seconds = 1 } = literal;
    const bytes = DENSE_BYTES / ratio;
    return {
      slug,
      id: slug,
      method: slug,
      variant: 'v',
      family: 'quantization',
      access: trains ? 'trained' : 'calibrated',
      costClass: trains ? 'high-cost' : 'low-cost',
      control: false,
      params: {},
      badges: [],
      notes: [],
      seeds: [],
      statuses: {},
      size: {
        fileBytes: bytes,
        fileBytesWithoutEmbedding: bytes,
        zstdBytes: bytes,
        zstdBytesWithoutEmbedding: bytes,
        parameters: 1,
        parametersWithoutEmbedding: 1,
        nonZeroParameters: 1,
        nonZeroParametersWithoutEmbedding: 1,
      },
      ratio,
      fileRatio: ratio,
      weightClass: [2, 4, 8, 16].findLast((least) => ratio >= least) ?? null,
      quality: {
        metric: 'perplexity',
        higherIsBetter: false,
        estimate: { value: Math.exp(loss), low: Math.exp(loss), high: Math.exp(loss) },
        dense: 1,
        kept: 1,
        toDense: null,
        items: 1,
        decisions: 1,
        seedDeviation: null,
        slices: [],
        worstSlice: null,
      },
      distance: null,
      latency: [],
      residentMemoryBytes: null,
      denseResidentMemoryBytes: null,
      cost: null,
      compute: compute(seconds),
      efficiency: null,
      paysBack: [],
      rank: null,
      place: order.indexOf(literal) + 1,
    };
  });
}
