import { AppError } from '../errors';
import { requests, subscriptions } from './contract';
import type { RequestName, SubscriptionName } from './contract';

export function isRequestName(name: string): name is RequestName {
  return Object.hasOwn(requests, name);
}

export function isSubscriptionName(name: string): name is SubscriptionName {
  return Object.hasOwn(subscriptions, name);
}

/** The two sides speak different versions; the words say which one is to be brought up to date. */
export function mismatch(window: number, engine: number): AppError {
  const older = window < engine ? 'window' : 'engine';
  return new AppError(
    'protocol_mismatch',
    `The window speaks version ${window} of the protocol and the engine version ${engine}: the ${older} is older.`,
    {
      remedy:
        older === 'window'
          ? 'Reload the window.'
          : 'Quit Protodiff, or stop the server, and start it again.',
    },
  );
}

interface Issues {
  issues: readonly { path: readonly PropertyKey[]; message: string }[];
}

/** The first complaints of a schema as one sentence that names the fields. */
export function bodyProblem(name: string, { issues }: Issues): AppError {
  const said = issues
    .slice(0, 3)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`));
  const code = issues.some(({ path }) => path[0] === 'config') ? 'bad_config' : 'bad_message';
  return new AppError(code, `${name} was refused. ${said.join('; ')}.`);
}
