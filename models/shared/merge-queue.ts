/** A binary heap of possible BPE merges: best score first, leftmost among equals. */
export interface Merge {
  readonly score: number;
  /** Positions of the two symbols. */
  readonly left: number;
  readonly right: number;
  /** Token that replaces the two. */
  readonly merged: number;
}

export interface MergeQueue {
  push(merge: Merge): void;
  pop(): Merge | undefined;
}

export function createMergeQueue(): MergeQueue {
  const heap: Merge[] = [];
  const before = (a: Merge, b: Merge): boolean => a.score > b.score || (a.score === b.score && a.left < b.left);

  return {
    push(merge) {
      let index = heap.push(merge) - 1;
      while (index > 0) {
        const parent = (index - 1) >> 1;
        const above = heap[parent]!;
        if (!before(merge, above)) break;
        heap[index] = above;
        index = parent;
      }
      heap[index] = merge;
    },
    pop() {
      const top = heap[0];
      const last = heap.pop();
      if (!last || heap.length === 0) return top;
      let index = 0;
      for (;;) {
        let child = 2 * index + 1;
        if (child >= heap.length) break;
        const sibling = heap[child + 1];
        if (sibling && before(sibling, heap[child]!)) child++;
        if (!before(heap[child]!, last)) break;
        heap[index] = heap[child]!;
        index = child;
      }
      heap[index] = last;
      return top;
    },
  };
}
