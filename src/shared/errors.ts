/**
 * Errors that a person may see. `message` says what happened and why, `remedy` what to do.
 * The code travels over the protocol; the cause does not.
 */
export const ERROR_CODES = [
  'bad_message', // a frame or body that no schema accepts
  'unknown_endpoint',
  'protocol_mismatch',
  'bad_config',
  'bad_data', // a data set that cannot be read or is empty
  'bad_checkpoint', // damaged, or of another model
  'not_found',
  'busy', // another run is active
  'wrong_state', // e.g. pause of a run that is not running
  'conflict', // what was to be written was changed by another since
  'disk', // full, read-only, unreadable
  'non_finite', // the loss is NaN or infinite
  'oom', // memory ran out
  'unavailable', // the engine is restarting, or a part of the machine is missing
  'cancelled',
  'internal',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface ErrorBody {
  code: ErrorCode;
  message: string;
  remedy?: string;
}

/** Stands in what is told of a run that ended so; the window offers another way then. */
export const NON_FINITE = 'is not finite';

export class AppError extends Error {
  readonly code: ErrorCode;
  readonly remedy: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { remedy?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.remedy = options.remedy;
  }

  toBody(): ErrorBody {
    return {
      code: this.code,
      message: this.message,
      ...(this.remedy === undefined ? {} : { remedy: this.remedy }),
    };
  }

  /** Any thrown value as an AppError; what is not ours becomes `internal`, its message kept. */
  static from(thrown: unknown): AppError {
    if (thrown instanceof AppError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new AppError('internal', message, { cause: thrown });
  }
}

/** Ends a switch over a closed union: a new member fails to compile here. */
export function assertNever(value: never): never {
  throw new AppError('internal', `unexpected value ${JSON.stringify(value)}`);
}
