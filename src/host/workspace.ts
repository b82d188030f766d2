import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Given by --workspace, else the environment, else a folder in the user's home. */
export function workspaceFolder(
  given: string | undefined,
  env: Record<string, string | undefined> = process.env,
  home = homedir(),
): string {
  return resolve(given || env.PROTODIFF_WORKSPACE || join(home, 'Protodiff'));
}

export function defaultWorkspace(home = homedir()): string {
  return join(home, 'Protodiff');
}

/** `--name VALUE` or `--name=VALUE` among the arguments of a host that takes few; undefined without. */
export function argument(args: readonly string[], name: string): string | undefined {
  for (const [at, arg] of args.entries()) {
    if (arg === `--${name}`) return args[at + 1];
    if (arg.startsWith(`--${name}=`)) return arg.slice(name.length + 3);
  }
  return undefined;
}
