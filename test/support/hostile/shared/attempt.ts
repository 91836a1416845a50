/** What came of things a method should not be able to do, in a word each: the message its row will have. */
export async function attempt(
  deeds: Readonly<Record<string, () => unknown>>,
): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for (const [name, deed] of Object.entries(deeds)) {
    try {
      found[name] = `DONE ${String(await deed()).slice(0, 200)}`;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      found[name] = code ?? message.slice(0, 200);
    }
  }
  return found;
}

/** Ends a method with what it could do and what it could not. */
export async function confess(deeds: Readonly<Record<string, () => unknown>>): Promise<never> {
  throw new Error(`tried: ${JSON.stringify(await attempt(deeds))}`);
}
