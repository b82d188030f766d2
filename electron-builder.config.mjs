import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { installed } from './scripts/lib/tensorflow.mjs';

const readJson = (path) => JSON.parse(readFileSync(join(import.meta.dirname, path), 'utf8'));

// What the engine loads from node_modules at run time; vite has bundled the rest into out/.
// `npm run package` fails where out/ asks for a package that is not named here.
export const LOADED = [
  /^@tensorflow\//,
  /^(long|seedrandom|google-protobuf)$/, // of tfjs
  /^sharp$/,
  /^@img\//,
  /^(detect-libc|semver)$/, // of sharp and libsql
  /^libsql$/,
  /^@libsql\//,
  /^@neon-rs\/load$/,
];

/** Production packages that are installed but never loaded (tfjs-node's installer, polyfills …). */
function neverLoaded() {
  const { packages } = readJson('package-lock.json');
  return Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && dev !== true)
    .map(([path]) => path.split('node_modules/').at(-1))
    .filter((name) => !LOADED.some((loaded) => loaded.test(name)));
}

const tensorflow = installed('cpu');
const electron = JSON.parse(process.env.PROTODIFF_PACKAGE_ELECTRON ?? 'null');

const electronMajor = Number.parseInt(
  electron?.version ?? readJson('node_modules/electron/package.json').version,
);

export default {
  appId: 'org.protodiff.workbench',
  productName: 'Protodiff',
  copyright: 'The Protodiff authors, Apache-2.0',
  directories: { output: 'dist', buildResources: 'resources' },
  icon: 'resources/icon.png',
  // A folder instead of a download, where `npm run package` found that it must.
  ...(electron !== null && { electronDist: electron.dist, electronVersion: electron.version }),
  npmRebuild: false, // every native part is N-API and comes built
  files: [
    'out/**',
    'package.json',
    '!out/.*',
    '!**/*.{map,d.ts,d.mts,d.cts,tsbuildinfo,md,markdown,cc,h}',
    '!**/*.min.js.html',
    ...neverLoaded().map((name) => `!**/node_modules/${name}/**`),
    '!**/node_modules/@tensorflow/*/{src,scripts,binding,miniprogram,tools,wasm-out}/**',
    // Of tfjs's dozen bundles a package, Node loads the one called *.node.js.
    '!**/node_modules/@tensorflow/!(tfjs-node-gpu)/dist/!(*.node.js|*.wasm)',
    '!**/node_modules/@tensorflow/!(tfjs-node-gpu)/dist/*/**',
    '!**/node_modules/{@libsql,@img}/*musl*/**',
  ],
  asar: true,
  asarUnpack: ['**/*.node', 'node_modules/@img/**', 'node_modules/sharp/**'],
  // Beside the archive, where src/host/resources.ts looks and native libraries can be loaded.
  extraResources: [
    {
      from: 'resources',
      to: 'resources',
      filter: ['digits/**', 'emoji/**', 'diffusers/**', 'icon.png'],
    },
    // Where the user has no such folder the application trains on WebAssembly.
    ...(tensorflow === undefined
      ? []
      : [
          {
            from: tensorflow.dir,
            to: 'resources/tensorflow',
            filter: ['lib/**', 'tensorflow/**'],
          },
        ]),
  ],
  // An Electron unpacked from elsewhere may bring an application of its own.
  afterPack: ({ appOutDir }) => {
    for (const rest of ['resources/app', '.verified.json']) {
      rmSync(join(appOutDir, rest), { recursive: true, force: true });
    }
  },
  electronFuses: {
    // The importer of users' files is a plain Node process, started from the engine's.
    runAsNode: true,
    enableCookieEncryption: true,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    enableEmbeddedAsarIntegrityValidation: true,
    onlyLoadAppFromAsar: true,
    loadBrowserProcessSpecificV8Snapshot: false,
    // The fuse came with Electron 29; an older one refuses to be asked for it.
    ...(electronMajor >= 29 && { grantFileProtocolExtraPrivileges: false }),
  },
  publish: null,
  linux: {
    target: ['AppImage', 'deb'],
    executableName: 'protodiff',
    category: 'Science',
    maintainer: 'The Protodiff authors',
    synopsis: 'Train and watch Prototype Diffusion Models',
  },
  mac: { target: 'dmg', category: 'public.app-category.developer-tools' },
  win: { target: 'nsis' },
};
