import type { Voice } from './alerts.svelte';
import type { Desktop } from './desktop';

/** The desktop application may always notify; the system's own settings have the last word. */
export const desktopVoice = (desk: Desktop): Voice => ({
  permission: () => 'granted',
  ask: () => Promise.resolve('granted'),
  say: ({ title, body }) => desk.ask({ desk: 'notify', title, body }),
});

/** A browser's page: its permission is asked for by a switch, never unasked. */
export const browserVoice = (page: Window & typeof globalThis): Voice =>
  'Notification' in page
    ? {
        permission: () => page.Notification.permission,
        ask: () => page.Notification.requestPermission(),
        say: ({ title, body }) => {
          const notification = new page.Notification(title, { body, tag: title });
          notification.onclick = () => page.focus();
        },
      }
    : {
        permission: () => 'denied',
        ask: () => Promise.resolve('denied'),
        say: () => undefined,
      };
