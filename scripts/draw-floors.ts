/**
 * Draws the floors of the repository in ARCHITECTURE.md:
 *   node scripts/draw-floors.ts
 * The floors come from import-table.ts, what each room imports from the files themselves.
 */
import { join } from 'node:path';
import { ROOMS, roomOf } from '../import-table.ts';
import { type GeneratedText, writeGenerated } from './generated-section.ts';
import { type ImportGraph, REPOSITORY_ROOT, readImportGraph } from './import-graph.ts';

if (import.meta.main) {
  writeGenerated(join(REPOSITORY_ROOT, 'ARCHITECTURE.md'), floorsSection(readImportGraph()));
}

export function floorsSection(graph: ImportGraph): GeneratedText {
  return { script: 'scripts/draw-floors.ts', text: `\`\`\`text\n${drawFloors(graph)}\n\`\`\`` };
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
