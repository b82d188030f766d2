import type { z } from 'zod';

/** A setting that the schema refuses, with the sentence to show beside its field. */
export interface Problem {
  /** Dotted, as in `model.k`. */
  path: string;
  sentence: string;
}

export function problemsOf(error: z.ZodError): Problem[] {
  return error.issues.map((issue) => ({
    path: issue.path.join('.'),
    sentence: sentenceOf(issue),
  }));
}

const TAKES: Readonly<Record<string, string>> = {
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
};

export function sentenceOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'too_small':
      if (issue.origin === 'string') return 'Fill this in.';
      return issue.inclusive === false
        ? `Choose a number above ${number(issue.minimum)}.`
        : `Choose ${number(issue.minimum)} or more.`;
    case 'too_big':
      return `Choose ${number(issue.maximum)} or less.`;
    case 'invalid_type':
      return `Choose ${TAKES[issue.expected] ?? 'a number'}.`;
    case 'invalid_value':
      return `Choose ${issue.values.map(String).join(', ')}.`;
    default:
      return capital(issue.message);
  }
}

function number(value: number | bigint): string {
  return value.toLocaleString('en');
}

function capital(text: string): string {
  const sentence = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.?]$/.test(sentence) ? sentence : `${sentence}.`;
}
