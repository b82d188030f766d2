import { createRequire } from 'node:module';
import { importX } from 'eslint-plugin-import-x';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';

const ROOMS = [
  'shared',
  'engine',
  'store',
  'host',
  'importer',
  'main',
  'preload',
  'serve',
  'cli',
  'renderer',
];

// The boundaries of ARCHITECTURE.md: which rooms a room may import besides itself and shared.
const MAY_IMPORT = {
  shared: [],
  store: [],
  importer: ['engine'],
  engine: ['store', 'importer'],
  host: [],
  main: ['host'],
  preload: [],
  serve: ['host'],
  cli: ['host', 'engine', 'store', 'serve'],
  renderer: [],
};

const PACKAGES = {
  electron: ['main', 'preload'],
  '@tensorflow/*': ['engine'],
  ws: ['serve'],
  libsql: ['store'],
  sharp: ['importer'],
  'plotly.js-cartesian-dist-min': ['renderer'],
  svelte: ['renderer'],
};

const boundary = (room) => ({
  files: [`src/${room}/**/*.{ts,svelte}`],
  ignores: ['**/*.test.ts'],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          ...ROOMS.filter(
            (other) => other !== room && other !== 'shared' && !MAY_IMPORT[room].includes(other),
          ).map((other) => ({
            regex: `^(\\.\\./)+${other}(/|$)`,
            message: `src/${room} may not import src/${other}: see ARCHITECTURE.md.`,
          })),
          ...(room === 'shared'
            ? []
            : [{ regex: '^(\\.\\./)+shared(/|$)', message: "Write '@shared/…'." }]),
          ...Object.entries(PACKAGES)
            .filter(([, rooms]) => !rooms.includes(room))
            .map(([name]) => ({
              regex: `^${name.replace('*', '')}`,
              message: `${name} is not for src/${room}: see ARCHITECTURE.md.`,
            })),
          ...(['shared', 'renderer', 'preload'].includes(room)
            ? [
                {
                  regex: '^(node:|fs$|path$|os$|child_process$)',
                  message: `Node is not there in src/${room}.`,
                },
              ]
            : []),
        ],
      },
    ],
  },
});

export default ts.config(
  {
    ignores: [
      'out/',
      'dist/',
      'node_modules/',
      'docs/',
      'resources/',
      'test-results/',
      'playwright-report/',
    ],
  },
  ...ts.configs.recommended,
  ...svelte.configs['flat/recommended'],
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser }, globals: globals.browser },
    rules: { 'svelte/no-at-html-tags': 'error', 'svelte/prefer-svelte-reactivity': 'off' },
  },
  { files: ['**/*.{mjs,js}'], languageOptions: { globals: globals.node } },
  {
    plugins: { 'import-x': importX },
    settings: {
      'import-x/resolver-next': [
        createRequire(import.meta.url)('eslint-plugin-import-x').createNodeResolver({
          extensions: ['.ts', '.svelte', '.mjs', '.js'],
          alias: { '@shared': [`${import.meta.dirname}/src/shared`] },
        }),
      ],
    },
    rules: {
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      'no-empty': ['error', { allowEmptyCatch: false }],
      'max-lines': ['error', { max: 500 }],
      eqeqeq: 'error',
      'no-console': 'off',
    },
  },
  ...ROOMS.map(boundary),
);
