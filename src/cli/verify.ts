import { EXIT, UsageError } from './call';
import type { Call } from './call';
import { table } from './help';

export async function verify(call: Call): Promise<number> {
  const dir = call.text('golden');
  if (dir === undefined)
    throw new UsageError('verify needs --golden DIR. See: protodiff verify --help');
  const { verifyGolden } = await import('../engine/verify');
  const rows = await verifyGolden(dir);
  // A quantity that a pack does not hold proves nothing, but is no failure either.
  const failed = rows.filter(({ ok }) => ok === false).length;
  const held = rows.filter(({ ok }) => ok === true).length;
  const ok = failed === 0 && held > 0;
  const { stdout, stderr } = call.context;
  if (call.flag('json')) stdout.write(`${JSON.stringify({ ok, held, failed, rows })}\n`);
  else {
    const lines = rows.map(({ quantity, max_abs, tolerance, ok: holds, note }) => [
      quantity,
      max_abs === null ? '-' : max_abs.toExponential(2),
      tolerance.toExponential(2),
      holds === null ? 'absent' : holds ? 'holds' : 'DIFFERS',
      note,
    ]);
    stdout.write(
      `${table([['quantity', 'largest difference', 'tolerance', '', ''], ...lines]).join('\n')}\n`,
    );
    const absent = rows.length - held - failed;
    const summary = `${held} hold, ${failed} differ${absent === 0 ? '' : `, ${absent} absent or not compared`}.`;
    (ok ? stdout : stderr).write(`${summary}\n`);
  }
  return ok ? EXIT.ok : EXIT.failed;
}
