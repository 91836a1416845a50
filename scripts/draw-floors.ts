/**
 * Draws the floors of the repository in ARCHITECTURE.md, between two markers:
 *   node scripts/draw-floors.ts
 * The floors come from import-table.ts, what each room imports from the files themselves.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOMS, roomOf } from '../import-table.ts';
import { type ImportGraph, REPOSITORY_ROOT, readImportGraph } from './import-graph.ts';

const DOCUMENT = join(REPOSITORY_ROOT, 'ARCHITECTURE.md');
const START = '<!-- floors: drawn by scripts/draw-floors.ts -->';
const END = '<!-- end of floors -->';

if (import.meta.main) {
  writeFileSync(DOCUMENT, withFloors(readFileSync(DOCUMENT, 'utf8'), drawFloors(readImportGraph())));
}

/** The text with the drawing between its markers. Throws an Error where a marker is missing. */
export function withFloors(text: string, drawing: string): string {
  const [start, end] = [text.indexOf(START), text.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`ARCHITECTURE.md: expected the lines "${START}" and "${END}"`);
  return `${text.slice(0, start + START.length)}\n\n\`\`\`text\n${drawing}\n\`\`\`\n\n${text.slice(end)}`;
}

/** A box per floor, the highest on top. A room is followed by what it imports: rooms of its floor, and lower floors. */
export function drawFloors(graph: ImportGraph): string {
  const imported = importedRooms(graph);
  const floors = [...Map.groupBy(ROOMS, ({ floor }) => floor)].toReversed();
  const nameWidth = Math.max(...ROOMS.map(({ folder }) => folder.length));
  const boxes = floors.map(([floor, rooms]) => ({
    floor,
    lines: rooms.toReversed().map(({ folder }) => {
      const targets = imported.get(folder) ?? new Set();
      const beside = rooms.filter((room) => targets.has(room.folder)).map((room) => lastName(room.folder));
      const below = floors
        .filter(([name, others]) => name !== floor && others.some((room) => targets.has(room.folder)))
        .map(([name]) => name);
      const parts = [beside.join(', '), below.map((name) => `[${name}]`).join(' ')].filter((part) => part !== '');
      return `${folder.padEnd(nameWidth)}  ${parts.length === 0 ? '' : `→ ${parts.join('; ')}`}`.trimEnd();
    }),
  }));
  const inner = Math.max(
    ...boxes.flatMap(({ floor, lines }) => [floor.length + 2, ...lines.map(({ length }) => length)]),
  );
  return [
    ...boxes.flatMap(({ floor, lines }, i) => [
      `${i === 0 ? '┌' : '├'}─ ${floor} ${'─'.repeat(inner - floor.length - 1)}${i === 0 ? '┐' : '┤'}`,
      ...lines.map((line) => `│ ${line.padEnd(inner)} │`),
    ]),
    `└${'─'.repeat(inner + 2)}┘`,
  ].join('\n');
}

/** By room, the other rooms that its files import. */
function importedRooms(graph: ImportGraph): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const [path, targets] of graph) {
    const room = roomOf(path)?.folder;
    if (room === undefined) continue;
    const rooms = found.get(room) ?? new Set();
    found.set(room, rooms);
    for (const target of targets) {
      const folder = roomOf(target)?.folder;
      if (folder !== undefined && folder !== room) rooms.add(folder);
    }
  }
  return found;
}

/** `judge` of `harness/judge`; `methods/*` stays as it is. */
function lastName(folder: string): string {
  const name = folder.slice(folder.lastIndexOf('/') + 1);
  return name === '*' ? folder : name;
}
