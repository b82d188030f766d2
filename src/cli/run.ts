import { parseArgs } from 'node:util';
import { AppError } from '@shared/errors';
import { Call, EXIT, UsageError } from './call';
import type { Context, Verb } from './call';
import { nearest, overview, verbHelp } from './help';
import { VERBS } from './verbs';

/** Runs one command line; never throws. @returns the exit code */
export async function run(
  args: readonly string[],
  context: Context,
  verbs: Record<string, Verb> = VERBS,
): Promise<number> {
  const [name, ...rest] = args;
  try {
    if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
      const asked = name === 'help' ? rest[0] : undefined;
      const verb = asked === undefined ? undefined : find(asked, verbs);
      context.stdout.write(verb && asked ? verbHelp(asked, verb) : overview(verbs));
      return EXIT.ok;
    }
    if (name === '--version' || name === '-v') {
      context.stdout.write(`${context.version}\n`);
      return EXIT.ok;
    }
    const verb = find(name, verbs);
    if (rest.includes('--help') || rest.includes('-h')) {
      context.stdout.write(verbHelp(name, verb));
      return EXIT.ok;
    }
    return await verb.run(parse(name, verb, rest, context));
  } catch (thrown) {
    return complain(thrown, context);
  }
}

function find(name: string, verbs: Record<string, Verb>): Verb {
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (verb !== undefined) return verb;
  const meant = nearest(name, Object.keys(verbs));
  throw new UsageError(
    `There is no verb "${name}".${meant === undefined ? '' : ` Did you mean ${meant}?`} See: protodiff --help`,
  );
}

function parse(name: string, verb: Verb, args: string[], context: Context): Call {
  const options = Object.fromEntries(
    Object.entries(verb.options).map(([option, { value, multiple = false }]) => [
      option,
      { type: value === undefined ? ('boolean' as const) : ('string' as const), multiple },
    ]),
  );
  const see = `See: protodiff ${name} --help`;
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const [min, max] = verb.arity;
    if (positionals.length < min || positionals.length > max) {
      const wanted = max === 0 ? 'nothing' : (verb.operands ?? '');
      throw new UsageError(
        `${name} takes ${wanted} besides its options, not "${positionals.join(' ')}". ${see}`,
      );
    }
    // Flags may not repeat, so of the arrays only those of texts remain.
    return new Call(positionals, values as ConstructorParameters<typeof Call>[1], context);
  } catch (thrown) {
    if (thrown instanceof UsageError) throw thrown;
    const said = thrown instanceof Error ? thrown.message : String(thrown);
    const unknown = /^Unknown option '--?([^' ]+)/.exec(said)?.[1];
    if (unknown === undefined) throw new UsageError(`${said.split('\n', 1)[0] ?? ''} ${see}`);
    const meant = nearest(unknown, Object.keys(verb.options));
    const hint = meant === undefined ? '' : ` Did you mean --${meant}?`;
    throw new UsageError(`${name} has no option --${unknown}.${hint} ${see}`);
  }
}

function complain(thrown: unknown, { stderr, env }: Context): number {
  if (thrown instanceof UsageError) {
    stderr.write(`${thrown.message}\n`);
    return EXIT.usage;
  }
  const { message, remedy } = AppError.from(thrown);
  stderr.write(`${message}\n`);
  if (remedy !== undefined) stderr.write(`${remedy}\n`);
  if (env.PROTODIFF_DEBUG === '1' && thrown instanceof Error) {
    stderr.write(`${thrown.stack ?? ''}\n`);
    if (thrown.cause !== undefined) stderr.write(`caused by: ${String(thrown.cause)}\n`);
  }
  return EXIT.failed;
}
