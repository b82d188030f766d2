import { dirname, join } from 'node:path';
import { makeFolder, syncFile, syncFolder } from './atomic';
import { codeOf, exists } from './fs-port';
import type { FsPort } from './fs-port';
import { readCheckpoints, readFacts, readSamples, writeEnding } from './records';
import type { RunFolder } from './run-folder';
import { withDatabase } from './run-reader';
import { openDatabase } from './sqlite';

/**
 * All of a run as it stands at one moment, into a folder that is there for this: the database as
 * one transaction sees it, and the files that its rows name. The run may be written meanwhile: a
 * checkpoint that was dropped between is left out with its row. A run that has not ended is
 * `released` in the snapshot, so that it can be continued.
 *
 * @param how  copy: files of their own; link: the same files, for a snapshot that is soon gone
 * @returns    the files, relative to the folder, with forward slashes
 */
export function snapshotInto(
  fs: FsPort,
  source: RunFolder,
  target: RunFolder,
  how: 'copy' | 'link',
): string[] {
  fs.mkdir(target.path);
  withDatabase(fs, source, (db) => db.copyInto(target.database));
  const db = openDatabase(target.database, false);
  const kept: string[] = [];
  try {
    const { ending, step, heartbeat } = readFacts(db);
    if (ending === null) {
      const wall = heartbeat?.wall ?? 0;
      writeEnding(db, { state: 'released', problem: null, step }, wall);
    }
    const tables = { checkpoints: readCheckpoints(db), samples: readSamples(db) };
    for (const [table, rows] of Object.entries(tables)) {
      for (const { step: at, file } of rows) {
        if (take(fs, join(source.path, file), join(target.path, file), how)) kept.push(file);
        else db.prepare(`DELETE FROM ${table} WHERE step = ?`).run(at);
      }
    }
  } finally {
    db.close();
  }
  syncFile(fs, target.database);
  for (const path of [target.checkpoints, target.samples]) {
    if (exists(fs, path)) syncFolder(fs, path);
  }
  return ['run.sqlite', ...kept];
}

/** @returns false where the file is gone */
function take(fs: FsPort, from: string, to: string, how: 'copy' | 'link'): boolean {
  makeFolder(fs, dirname(to));
  try {
    if (how === 'link' && linked(fs, from, to)) return true;
    fs.copy(from, to);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
  syncFile(fs, to);
  return true;
}

/** Some file systems have no links: false, and the file is copied. */
function linked(fs: FsPort, from: string, to: string): boolean {
  try {
    fs.link(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw error;
    return false;
  }
}
