import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseStrict } from './strict-json';
import { SEED } from './testing/random';

it('agrees with JSON.parse on every value that has no key twice', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      expect(parseStrict(text)).toEqual(JSON.parse(text));
    }),
    { seed: SEED },
  );
});

it.each([
  '{"a":1,"a":2}',
  '{"a":1,"\\u0061":2}',
  '[{"x":{"a":[],"b":{},"a":0}}]',
  '{"a":{"a":1},"b":2,"a":3}',
  '{"\\"":1,"\\"":2}',
])('refuses %s', (text) => expect(() => parseStrict(text)).toThrow(/stands there twice/));

it.each(['{"a":"a","b":["a","a"],"c":{"a":1}}', '{"a:":1,"a":"}{[]\\":"}', '[1,"a","a"]'])(
  'accepts %s',
  (text) => expect(parseStrict(text)).toEqual(JSON.parse(text)),
);

it.each(['', '{', '{"a":1,}', '{a:1}'])('refuses %j, which is no JSON', (text) =>
  expect(() => parseStrict(text)).toThrow(SyntaxError),
);
