/** What the scripts tell a person. All of it goes to stderr: stdout belongs to `--json`. */

export function say(line) {
  process.stderr.write(`protodiff: ${line}\n`);
}

export class SetupError extends Error {
  /**
   * @param {string} message what happened and why, one sentence
   * @param {string} [remedy] what to do about it
   */
  constructor(message, remedy) {
    super(message);
    this.name = 'SetupError';
    this.remedy = remedy;
  }
}

/** One line for any thrown value, its remedy included. */
export function sentence(thrown) {
  if (thrown instanceof SetupError) {
    return thrown.remedy === undefined ? thrown.message : `${thrown.message} ${thrown.remedy}`;
  }
  return thrown instanceof Error ? thrown.message : String(thrown);
}

const BAR = 28; // characters
const QUIET_INTERVAL = 10_000; // ms between lines where there is no terminal to redraw

export const megabytes = (bytes) => `${Math.round(bytes / 1e6)} MB`;

/**
 * A progress bar on a terminal, a line every ten seconds elsewhere.
 * `total` is an estimate where the true size is not known beforehand: the bar then stops at 99 %.
 */
export function progressBar(label, total) {
  const terminal = process.stderr.isTTY === true;
  let lastLine = Date.now();
  return {
    update(bytes) {
      const share = Math.min(bytes / total, 0.99);
      const text = `${label} ${megabytes(bytes)} of ${megabytes(total)} (${Math.floor(share * 100)} %)`;
      if (terminal) {
        const filled = Math.round(share * BAR);
        const bar = '█'.repeat(filled) + '░'.repeat(BAR - filled);
        process.stderr.write(`\r\x1b[Kprotodiff: ${bar} ${text}`);
      } else if (Date.now() - lastLine >= QUIET_INTERVAL) {
        lastLine = Date.now();
        say(text);
      }
    },
    end() {
      if (terminal) process.stderr.write('\r\x1b[K');
    },
  };
}
