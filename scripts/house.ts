/**
 * Prints how the code is spread over the folders, and whether files import each other in circles:
 *   node scripts/house.ts
 */
import { roomOf } from '../import-table.ts';
import { circlesOf, linesOf, readImportGraph } from './import-graph.ts';

const graph = readImportGraph();
const files = [...graph.keys()].map((path) => ({ path, lines: linesOf(path) }));
const total = files.reduce((sum, { lines }) => sum + lines, 0);
const sorted = files.map(({ lines }) => lines).toSorted((a, b) => a - b);

console.log(`${files.length} files, ${total} lines`);
console.log(`median file: ${quantile(0.5)} lines; 90th percentile: ${quantile(0.9)}; longest: ${quantile(1)}`);
printShares('top folders', (path) => path.split('/')[0]);
printShares('largest rooms', (path) => roomOf(path)?.folder);
const circles = circlesOf(graph);
console.log(`circles of imports, types included: ${circles.length}`);
for (const circle of circles) console.log(`  ${circle}`);

/** The smallest length that a share of the files does not exceed. */
function quantile(share: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

function printShares(title: string, groupOf: (path: string) => string | undefined): void {
  const groups = [...Map.groupBy(files, ({ path }) => groupOf(path) ?? 'none')]
    .map(([name, members]) => ({ name, lines: members.reduce((sum, { lines }) => sum + lines, 0) }))
    .toSorted((a, b) => b.lines - a.lines)
    .slice(0, 5);
  const shares = groups.map(({ name, lines }) => `${name} ${((100 * lines) / total).toFixed(1)} %`);
  console.log(`${title}: ${shares.join(', ')}`);
}
