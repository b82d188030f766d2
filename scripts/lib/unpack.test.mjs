import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { which } from './places.mjs';
import { run } from './run.mjs';
import { unpackWheels } from './wheels.mjs';

const python = which('python3', 'python');

// Writes a wheel with one honest member, one whose RECORD lies, and one that would climb out.
const MAKE = `
import base64, hashlib, sys, zipfile
digest = lambda data: "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
members = {"pkg/good.txt": b"good", "pkg/bad.txt": b"bad", "../out.txt": b"out"}
record = "".join(f"{n},{digest(b'x' if 'bad' in n else d)},{len(d)}\\n" for n, d in members.items())
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    for name, data in members.items():
        wheel.writestr(name, data)
    wheel.writestr("pkg-1.dist-info/RECORD", record)
`;

describe.runIf(python !== undefined)('unpackWheels', () => {
  let folder;
  let path;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'protodiff-wheel-'));
    path = join(folder, 'pkg.whl');
    const made = await run(python, ['-c', MAKE, path]);
    expect(made.stderr).toBe('');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const unpack = (take, more = {}) =>
    unpackWheels(python, [{ path, take, ...more }], join(folder, 'into'), 'Unpacking');

  it('takes what is asked for and says its size and hash', async () => {
    const files = await unpack(['pkg/good.*'], { strip: 'pkg/' });
    expect(files['good.txt']?.bytes).toBe(4);
    expect(files['good.txt']?.sha256).toMatch(
      /^770e607624d689265ca6c44884d0807d9b054d23c473c106c72be9de08b7376c$/,
    );
    expect(readFileSync(join(folder, 'into/good.txt'), 'utf8')).toBe('good');
    expect(readdirSync(join(folder, 'into'))).toEqual(['good.txt']);
  });

  it('refuses a member that differs from the RECORD', async () => {
    await expect(unpack(['pkg/bad.*'])).rejects.toThrow(/differs from the sha256/);
  });

  it('refuses a member that would land outside', async () => {
    await expect(unpack(['\\.\\./out.*'])).rejects.toThrow(/outside the folder/);
    expect(readdirSync(folder)).not.toContain('out.txt');
  });

  it('refuses what is no wheel', async () => {
    const other = join(folder, 'other.whl');
    writeFileSync(other, 'not a zip');
    await expect(
      unpackWheels(python, [{ path: other, take: ['.*'] }], join(folder, 'other'), 'Unpacking'),
    ).rejects.toThrow(/Unpacking: failed/);
  });
});
