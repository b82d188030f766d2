import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Downloads one exact version of an npm package with npm itself and unpacks it; its sha512 must fit. */
export function unpackPackage(spec, sha512) {
  const folder = mkdtempSync(join(tmpdir(), 'protodiff-resources-'));
  // On Windows npm is a .cmd file, which only a shell starts.
  const shell = process.platform === 'win32';
  const packed = execFileSync('npm', ['pack', spec, '--json'], { cwd: folder, shell });
  const [{ filename }] = JSON.parse(packed.toString());
  const found = createHash('sha512')
    .update(readFileSync(join(folder, filename)))
    .digest('base64');
  if (found !== sha512) throw new Error(`${spec} has sha512 ${found}, expected ${sha512}`);
  execFileSync('tar', ['xzf', filename], { cwd: folder });
  return join(folder, 'package');
}

/** The order of n items by the hash of their number: fixed for ever, and as good as a shuffle. */
export function mixedOrder(n, name) {
  return Array.from({ length: n }, (_, i) => ({
    i,
    key: createHash('sha256').update(`${name}:${i}`).digest('hex'),
  }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ i }) => i);
}

/** IDX (the format of MNIST): two zeros, 8 = unsigned bytes, the rank, big-endian extents, bytes. */
export function idx(shape, bytes) {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, 8, shape.length]);
  shape.forEach((extent, axis) => header.writeUInt32BE(extent, 4 + 4 * axis));
  return Buffer.concat([header, bytes]);
}
