// Makes resources/emoji from the npm package emoji-datasource-google.
// Usage: node resources/make-emoji.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { idx, mixedOrder, unpackPackage } from './package-source.mjs';

const EDGE = 32;
const source = unpackPackage(
  'emoji-datasource-google@16.0.0',
  'ZRexfzs7MVoLnmzZmNsO4TKhnAJp5D++Vm6PpUpH/jEQQlemp3l88CjZ+DoZ2faM9R4QxZkOPJCoT8DlPhfQ3A==',
);

// Skin-tone variants hang below their base emoji and are left out; so is Component, the five bare
// skin-tone swatches.
const emoji = JSON.parse(readFileSync(join(source, 'emoji.json'), 'utf8'))
  .filter(({ has_img_google, category }) => has_img_google && category !== 'Component')
  .sort((a, b) => a.sort_order - b.sort_order);
const classes = [...new Set(emoji.map(({ category }) => category))];
const mixed = mixedOrder(emoji.length, 'protodiff-emoji').map((i) => emoji[i]);

const images = [];
for (const { image } of mixed) {
  const { data, info } = await sharp(join(source, 'img', 'google', '64', image))
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.width !== 2 * EDGE || info.height !== 2 * EDGE || info.channels !== 3) {
    throw new Error(`${image} is ${info.width} x ${info.height} x ${info.channels}`);
  }
  images.push(halved(data));
}
const folder = join(import.meta.dirname, 'emoji');
writeFileSync(
  join(folder, 'images.idx4-ubyte.gz'),
  gzipSync(idx([images.length, EDGE, EDGE, 3], Buffer.concat(images)), { level: 9 }),
);
writeFileSync(
  join(folder, 'labels.json'),
  JSON.stringify({
    classes,
    labels: mixed.map(({ category }) => classes.indexOf(category)),
    names: mixed.map(({ short_name }) => short_name),
  }) + '\n',
);
console.log(`${images.length} emoji in ${classes.length} categories`);

/** The mean of every 2 x 2 pixels of a 64 x 64 RGB image. */
function halved(data) {
  const out = new Uint8Array(EDGE * EDGE * 3);
  for (let y = 0; y < EDGE; y++) {
    for (let x = 0; x < EDGE; x++) {
      for (let c = 0; c < 3; c++) {
        const at = (2 * y * 2 * EDGE + 2 * x) * 3 + c;
        const below = at + 2 * EDGE * 3;
        out[(y * EDGE + x) * 3 + c] =
          (data[at] + data[at + 3] + data[below] + data[below + 3] + 2) >> 2;
      }
    }
  }
  return out;
}
