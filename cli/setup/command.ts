/** A command: its words, its arguments and what it does. */
import { type ArgsDef, type CommandContext, defineCommand, runCommand } from 'citty';
import { EXIT_CODES } from './output.ts';

export interface Example {
  /** Without `shrinkrank`: `run --methods gptq`. */
  readonly line: string;
  readonly does: string;
}

export interface CommandWords {
  readonly name: string;
  readonly description: string;
  /** Shown at the end of its help. */
  readonly examples: readonly Example[];
  readonly args: ArgsDef;
}

export interface Command extends CommandWords {
  /** Gives the exit code. */
  readonly run: (rawArgs: readonly string[]) => Promise<number>;
}

/** `run` gives an exit code, or nothing for 0. */
export function createCommand<const T extends ArgsDef>(
  parts: Omit<CommandWords, 'args'> & {
    readonly args: T;
    readonly run: (context: CommandContext<T>) => number | void | Promise<number | void>;
  },
): Command {
  const { name, description, args } = parts;
  const definition = defineCommand({ meta: { name, description }, args, run: parts.run });
  return {
    ...parts,
    run: async (rawArgs) => {
      const { result } = await runCommand(definition, { rawArgs: [...rawArgs] });
      return typeof result === 'number' ? result : EXIT_CODES.done;
    },
  };
}
