import type { Problem } from '@shared/config/problems';

/** The sentence for a setting, or for anything inside it. */
export function problemAt(problems: readonly Problem[], path: string): string | undefined {
  return problems.find((problem) => problem.path === path || problem.path.startsWith(`${path}.`))
    ?.sentence;
}
