/**
 * `npm run setup:tensorflow [-- --cuda | --cpu] [--force] [--strict]`
 *
 * Puts a native TensorFlow into the user's cache folder: the libraries out of the wheels that pip
 * brings, and the addon of tfjs-node-gpu compiled against them. Where it cannot be had this says
 * why in one line and exits 0, for the WebAssembly backend trains instead; `--strict` exits 1.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { renameSync, statfsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readJson, withLock, writeJson } from './lib/files.mjs';
import { ROOT, which } from './lib/places.mjs';
import { lastLine, run } from './lib/run.mjs';
import { SetupError, say, sentence } from './lib/say.mjs';
import {
  ADDON,
  NAPI,
  VERSION,
  findTensorFlow,
  folderFor,
  hasNvidia,
  installed,
  manifestFor,
  wheelFor,
} from './lib/tensorflow.mjs';
import { downloadWheels, enough, findPython, unpackWheels } from './lib/wheels.mjs';

const TAG = { x64: 'x86_64', arm64: 'aarch64' };
// glibc 2.27 is what the wheels of this TensorFlow ask for; NVIDIA's are tagged in older ways too.
const PLATFORMS = ['manylinux_2_27', 'manylinux_2_17', 'manylinux2014', 'manylinux1'];
const LIBRARIES = [
  'tensorflow/libtensorflow_(cc|framework)\\.so\\.2$',
  'tensorflow/THIRD_PARTY_NOTICES\\.txt$',
  'tensorflow/include/LICENSE$',
];
// All that the addon includes, found with the compiler's -M; the other 280 MB stay in the wheel.
const HEADERS = [
  'tensorflow/include/tensorflow/c/.*\\.h$',
  'tensorflow/include/tensorflow/core/platform/ctstring.*\\.h$',
  'tensorflow/include/tsl/platform/ctstring.*\\.h$',
  'tensorflow/include/xla/tsl/c/.*\\.h$',
];
const CUDA_PARTS = ['nvidia/.*/lib/.*\\.so[.0-9]*$', 'nvidia/cuda_nvcc/(bin|nvvm)/.*'];

function checkMachine(flavour) {
  const { platform, arch } = process;
  if (platform !== 'linux' || wheelFor(flavour) === undefined) {
    throw new SetupError(
      `there is no native TensorFlow${flavour === 'cuda' ? ' with CUDA' : ''} for ${platform} ${arch} yet; Linux x64 and arm64 have one.`,
    );
  }
  if (process.report.getReport().header.glibcVersionRuntime === undefined) {
    throw new SetupError('this Linux has no glibc, which TensorFlow needs.');
  }
}

function findCompiler() {
  const compiler = process.env.CXX || which('c++', 'g++', 'clang++');
  if (compiler !== undefined) return compiler;
  throw new SetupError(
    'no C++ compiler was found on PATH.',
    'Install one (Debian, Ubuntu: apt install g++; Fedora: dnf install gcc-c++).',
  );
}

/** The requirements that a wheel's metadata names for its extra `and-cuda`. */
async function cudaRequirements(python, wheel, scratch) {
  await unpackWheels(
    python,
    [{ path: wheel, take: ['.*\\.dist-info/METADATA$'] }],
    scratch,
    'Reading',
  );
  const folder = readdirSync(scratch).find((name) => name.endsWith('.dist-info'));
  const metadata = readFileSync(join(scratch, folder, 'METADATA'), 'utf8');
  rmSync(scratch, { recursive: true, force: true });
  return [...metadata.matchAll(/^Requires-Dist: *(nvidia-[^;]+?) *;.*and-cuda/gm)].map((hit) =>
    hit[1].replace(/[() ]/g, ''),
  );
}

/** Wheels → `dir/tensorflow`, `dir/include` and, with CUDA, `dir/nvidia`, all or nothing. */
async function unpack(flavour, dir) {
  const stamp = join(dir, '.unpacked.json');
  const before = readJson(stamp);
  if (before !== undefined) return before;

  const wheel = wheelFor(flavour);
  const wheels = join(dir, '.wheels');
  const scratch = join(dir, '.unpacking');
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const disk = statfsSync(dir);
  const cuda = wheel.cuda ?? { bytes: 0, unpacked: 0 };
  const bytes = wheel.bytes + wheel.unpacked + cuda.bytes + cuda.unpacked;
  enough(disk.bavail * disk.bsize, bytes, dir);

  const python = await findPython();
  const platforms = PLATFORMS.map((name) => `${name}_${TAG[process.arch]}`);
  const fetchOnce = async (name, what) => {
    const into = join(wheels, name);
    const done = join(wheels, `${name}.json`);
    const known = readJson(done);
    if (known !== undefined && known.every((path) => existsSync(path))) return known;
    const paths = await downloadWheels(python, { ...what, platforms, into });
    writeJson(done, paths);
    return paths;
  };
  const [main] = await fetchOnce('tensorflow', {
    requirements: [wheel.requirement],
    sha256: wheel.sha256,
    bytes: wheel.bytes,
    label: `Downloading TensorFlow ${VERSION}`,
  });
  const nvidia =
    wheel.cuda === undefined
      ? []
      : await fetchOnce('nvidia', {
          requirements: await cudaRequirements(python, main, scratch),
          bytes: cuda.bytes,
          label: 'Downloading the CUDA 12 libraries',
        });
  const found = await unpackWheels(
    python,
    [
      { path: main, take: LIBRARIES },
      { path: main, take: HEADERS, strip: 'tensorflow/' },
      ...nvidia.map((path) => ({ path, take: CUDA_PARTS })),
    ],
    scratch,
    'Unpacking',
  );
  for (const name of readdirSync(scratch)) {
    rmSync(join(dir, name), { recursive: true, force: true });
    renameSync(join(scratch, name), join(dir, name));
  }
  const files = Object.fromEntries(
    Object.entries(found).filter(([name]) => !name.startsWith('include/')),
  );
  writeJson(stamp, files);
  for (const rest of [wheels, scratch]) rmSync(rest, { recursive: true, force: true });
  return files;
}

async function compile(dir) {
  const target = join(dir, ADDON);
  const tfjs = join(ROOT, 'node_modules/@tensorflow/tfjs-node-gpu');
  const from = readJson(join(tfjs, 'package.json'))?.version;
  const stamp = join(dir, '.compiled.json');
  if (readJson(stamp)?.tfjs === from && existsSync(target)) return;
  const headers = join(ROOT, 'node_modules/node-api-headers/include');
  if (from === undefined || !existsSync(headers)) {
    throw new SetupError('the npm packages are not all installed.', 'Run npm install first.');
  }
  say('Compiling the TensorFlow addon (about 15 s).');
  mkdirSync(join(target, '..'), { recursive: true });
  const sources = readdirSync(join(tfjs, 'binding')).filter((name) => name.endsWith('.cc'));
  const libraries = join(dir, 'tensorflow');
  const answer = await run(findCompiler(), [
    ...['-shared', '-fPIC', '-O2', '-std=c++17', `-DNAPI_VERSION=${NAPI}`],
    ...[headers, join(dir, 'include'), tfjs, join(tfjs, 'binding')].flatMap((path) => ['-I', path]),
    ...sources.map((name) => join(tfjs, 'binding', name)),
    ...['-L', libraries, '-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2'],
    // $ORIGIN is the addon's own folder. The libraries stay in a folder called tensorflow: their
    // own RUNPATH looks for ../nvidia beside it.
    ...['-Wl,-rpath,$ORIGIN/../../tensorflow', '-o', `${target}.tmp`],
  ]);
  if (answer.code !== 0) {
    const error = /error: .*/.exec(answer.stderr)?.[0] ?? lastLine(answer);
    throw new SetupError(`the addon did not compile: ${error}.`);
  }
  renameSync(`${target}.tmp`, target);
  writeJson(stamp, { tfjs: from });
}

async function verify(dir) {
  const answer = await run(
    process.execPath,
    [join(ROOT, 'scripts/lib/probe-tensorflow.mjs'), dir],
    {
      timeout: 300_000,
      env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '1' },
    },
  );
  if (answer.code === 0) return JSON.parse(answer.stdout.trim().split('\n').at(-1));
  const reason =
    answer.signal === 'SIGILL'
      ? 'this processor lacks instructions that TensorFlow was built for (AVX)'
      : (/^\w*Error: .*/m.exec(answer.stderr)?.[0] ?? answer.stopped ?? lastLine(answer));
  throw new SetupError(`TensorFlow was set up but does not run: ${reason}.`);
}

async function install(flavour, force) {
  checkMachine(flavour);
  const dir = folderFor(flavour);
  return withLock(`${dir}.lock`, 'setting up TensorFlow', async () => {
    if (force) rmSync(dir, { recursive: true, force: true });
    const there = force ? undefined : installed(flavour);
    if (there !== undefined) return there;
    rmSync(manifestFor(flavour), { force: true });
    findCompiler();
    const files = await unpack(flavour, dir);
    await compile(dir);
    const { gpu } = await verify(dir);
    const created = new Date().toISOString();
    const manifest = {
      dir,
      version: VERSION,
      flavour,
      gpu,
      addon: ADDON,
      abi: NAPI,
      created,
      files,
    };
    writeJson(manifestFor(flavour), manifest);
    rmSync(failureOf(flavour), { force: true });
    say(`TensorFlow ${VERSION} (${flavour}) is set up and verified in ${dir}.`);
    if (flavour === 'cuda' && !gpu) {
      say('It found no usable GPU and runs on the CPU; `protodiff doctor` says more.');
    }
    return manifest;
  });
}

const DAY = 86_400_000; // ms

/** A download that failed is not tried again by itself on the same day: every start would wait. */
const failureOf = (flavour) => `${folderFor(flavour)}.failed.json`;
const failedToday = (flavour) => Date.now() - (readJson(failureOf(flavour))?.at ?? 0) < DAY;

/**
 * Sets TensorFlow up where it is missing. Never throws: undefined means that it cannot be had, and
 * one line has said why.
 *
 * @param {{flavour?: 'cuda' | 'cpu', force?: boolean, byHand?: boolean}} [options]
 *   `byHand`: a person asked for it, so it says what is there and tries what failed today again
 */
export async function setupTensorFlow({ flavour, force = false, byHand = false } = {}) {
  if (process.env.PROTODIFF_TENSORFLOW && flavour === undefined) {
    const given = findTensorFlow();
    if (given !== undefined) return given;
    say(`PROTODIFF_TENSORFLOW names ${process.env.PROTODIFF_TENSORFLOW}, which holds no ${ADDON}.`);
    return undefined;
  }
  const wanted =
    flavour !== undefined ? [flavour] : (await hasNvidia()) ? ['cuda', 'cpu'] : ['cpu'];
  for (const each of wanted) {
    const there = force ? undefined : installed(each);
    if (there !== undefined) {
      if (byHand) say(`TensorFlow ${there.version} (${each}) is there: ${there.dir}.`);
      return there;
    }
    if (!byHand && failedToday(each)) {
      say(
        `TensorFlow (${each}) could not be downloaded today; npm run setup:tensorflow tries again.`,
      );
      continue;
    }
    try {
      return await install(each, force);
    } catch (error) {
      if (error.download === true) writeJson(failureOf(each), { at: Date.now() });
      const next =
        each === wanted.at(-1)
          ? 'The WebAssembly backend will be used, which is slower.'
          : 'Trying the CPU libraries.';
      say(`native TensorFlow cannot be had: ${sentence(error)} ${next}`);
    }
  }
  return undefined;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const args = process.argv.slice(2);
  const known = ['--cuda', '--cpu', '--force', '--strict'];
  const unknown = args.find((arg) => !known.includes(arg));
  if (unknown !== undefined) {
    say(`${basename(process.argv[1])} does not know ${unknown}; it takes ${known.join(', ')}.`);
    process.exit(2);
  }
  const flavour = args.includes('--cuda') ? 'cuda' : args.includes('--cpu') ? 'cpu' : undefined;
  const result = await setupTensorFlow({ flavour, force: args.includes('--force'), byHand: true });
  process.exitCode = result === undefined && args.includes('--strict') ? 1 : 0;
}
