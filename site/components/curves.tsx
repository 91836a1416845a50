'use client';
import { useMemo } from 'react';
import type { BoardView } from '../lib/board-view.ts';
import { useAddress } from '../lib/use-address.ts';
import { TradeOffPlot } from './trade-off-plot.tsx';

/** Operating curves: the chosen variants are joined by method; the others are drawn faintly. */
export function Curves({ view, highlighted }: { readonly view: BoardView; readonly highlighted: readonly string[] }) {
  const address = useAddress();
  const strong = useMemo(() => new Set(highlighted), [highlighted]);
  return <TradeOffPlot view={view} rows={view.rows} address={address} highlighted={strong} curves />;
}
