import { AppError } from '@shared/errors';
import { describe, expect, it } from 'vitest';
import type { Call, Verb } from './call';
import { editDistance, nearest } from './help';
import { run } from './run';
import { fakeContext } from './testing';
import { VERBS } from './verbs';

const outcome = async (args: string[], verbs: Record<string, Verb> = VERBS, env = {}) => {
  const { context, stdout, stderr } = fakeContext({ env });
  const code = await run(args, context, verbs);
  return { code, out: stdout.text, err: stderr.text };
};

describe('the command line', () => {
  it('helps as a whole and for each verb, without an engine', async () => {
    const all = await outcome([]);
    for (const [name, verb] of Object.entries(VERBS)) {
      expect(all.out).toContain(verb.summary);
      const { code, out, err } = await outcome([name, '--help']);
      expect([code, err]).toEqual([0, '']);
      expect(out).toContain(`Usage: protodiff ${name}`);
      for (const option of Object.keys(verb.options)) expect(out).toContain(`--${option}`);
      expect(await outcome(['help', name])).toEqual({ code, out, err });
    }
    expect((await outcome(['--version'])).out).toBe('1.2.3\n');
  });

  it.each([
    [['trian'], 'There is no verb "trian". Did you mean train? See: protodiff --help\n'],
    [['__proto__'], 'There is no verb "__proto__". See: protodiff --help\n'],
    [['train', '--stpes', '3'], 'train has no option --stpes. Did you mean --steps?'],
    [['train', '--steps'], '--steps'],
    [['train', '--steps', '1.5'], '--steps takes a whole number of at least 1, not "1.5".'],
    [['train', '--seed', '-1'], '--seed'],
    [['train', '--preset', 'quik'], 'There is no preset "quik". Try: quick'],
    [['train', 'again'], 'train takes nothing besides its options'],
    [['resume'], 'resume takes RUN besides its options'],
    [['resume', 'last', '--steps', '9'], 'resume has no option --steps.'],
    [['train', '--set', 'lr'], '--set takes NAME=VALUE, not "lr".'],
    [['train', '--set', 'lrr=1'], 'There is no setting "lrr". Did you mean lr?'],
    [['train', '--set', '__proto__.x=1'], 'There is no setting "__proto__.x".'],
    [['sample'], 'sample takes RUN besides its options'],
    [['runs', 'rm'], 'Usage: protodiff runs rm RUN'],
    [['runs', 'lst'], 'runs has no act "lst". Did you mean ls?'],
    [['serve', '--port', '70000'], '--port takes a number up to 65535.'],
    [['serve', '--port', 'x'], '--port takes a whole number'],
    [['branch', 'last'], 'branch needs --step N.'],
    [['verify'], 'verify needs --golden DIR.'],
  ])('%j is a usage error', async (args, words) => {
    const { code, out, err } = await outcome(args);
    expect(err).toContain(words);
    expect(err).not.toContain('    at ');
    expect([code, out]).toEqual([2, '']);
  });

  it('says bad settings and data in a sentence with a remedy', async () => {
    const bad = await outcome(['train', '--set', 'lr=5']);
    expect(bad.code).toBe(1);
    expect(bad.err).toMatch(/^The configuration is not valid\. lr: Choose 0\.01 or less\./);
    const gone = await outcome(['train', '--data', '/no/such/folder']);
    expect(gone.code).toBe(1);
    expect(gone.err).toBe(
      'There is no folder /no/such/folder.\nGive --data digits, --data emoji, or the path of a folder that is there.\n',
    );
  });

  it('shows a stack only when asked', async () => {
    const verb: Verb = {
      ...{ summary: 'breaks', arity: [0, 0], options: {} },
      run: () => Promise.reject(new AppError('disk', 'It broke.', { remedy: 'Mend it.' })),
    };
    const plain = await outcome(['break'], { break: verb });
    expect(plain).toEqual({ code: 1, out: '', err: 'It broke.\nMend it.\n' });
    const debug = await outcome(['break'], { break: verb }, { PROTODIFF_DEBUG: '1' });
    expect(debug.err).toContain('run.test.ts');
  });

  it('hands options and operands to the verb', async () => {
    let seen: Call | undefined;
    const verb: Verb = {
      ...{ summary: 'sees', arity: [1, 2] },
      options: {
        n: { value: 'N', help: '' },
        set: { value: 'X', multiple: true, help: '' },
        json: { help: '' },
      },
      run: async (call) => {
        seen = call;
        return 7;
      },
    };
    const args = ['see', 'a', '--n', '4', '--set', 'x=1', '--set', 'y=2', '--json'];
    expect((await outcome(args, { see: verb })).code).toBe(7);
    expect(seen?.operands).toEqual(['a']);
    expect(seen?.count('n')).toBe(4);
    expect(seen?.texts('set')).toEqual(['x=1', 'y=2']);
    expect([seen?.flag('json'), seen?.text('nothing')]).toEqual([true, undefined]);
  });
});

describe('a suggestion', () => {
  it('is the nearest name, if it is near', () => {
    expect(editDistance('kitten', 'sitting')).toBe(3);
    expect(editDistance('', 'ab')).toBe(2);
    expect(nearest('doctr', Object.keys(VERBS))).toBe('doctor');
    expect(nearest('xyzzy', Object.keys(VERBS))).toBeUndefined();
  });
});
