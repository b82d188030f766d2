import type { Plugin } from 'vite';

export function plainIcons(): Plugin;
export function plain(code: string, id: string): string;
