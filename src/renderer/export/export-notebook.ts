import { download } from '../components/png';
import type { Session } from '../session/session.svelte';
import { sectionOf } from './cell-sections';
import { pageOf } from './page';

/** Writes the open notebook, with what its cells show now, into one HTML file. Nothing is run. */
export async function exportNotebook(session: Session): Promise<void> {
  await session.attempt(async () => {
    const { document, name } = session.notebook;
    if (!document) return;
    const sections = await Promise.all(
      document.cells.map((cell, index) => sectionOf(cell, index + 1, session)),
    );
    const when = new Date().toLocaleString('en', { dateStyle: 'long', timeStyle: 'short' });
    const page = pageOf(
      name,
      `A Protodiff notebook, exported ${when}. Nothing was run for it.`,
      sections,
    );
    download(`${name}.html`, new TextEncoder().encode(page), 'text/html');
  });
}
