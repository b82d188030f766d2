import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { argument, workspaceFolder } from './workspace';

describe('the workspace', () => {
  it('is what was given, else what the environment says, else in the home', () => {
    const env = { PROTODIFF_WORKSPACE: join('/', 'env') };
    const home = join('/', 'home');
    expect(workspaceFolder('given', env, home)).toBe(resolve('given'));
    expect(workspaceFolder(undefined, env, home)).toBe(resolve('/env'));
    expect(workspaceFolder(undefined, {}, home)).toBe(resolve('/home/Protodiff'));
    expect(workspaceFolder('', { PROTODIFF_WORKSPACE: '' }, home)).toBe(resolve('/home/Protodiff'));
  });
});

describe('an argument', () => {
  it('is read in both spellings, and is undefined without a value', () => {
    expect(argument(['app', '--workspace', '/a b'], 'workspace')).toBe('/a b');
    expect(argument(['--workspace=/a=b'], 'workspace')).toBe('/a=b');
    expect(argument(['--workspaces=/a', '--workspace'], 'workspace')).toBeUndefined();
  });
});
