/**
 * Keeps the screen, and so the machine, awake while the page is seen, where the browser can
 * (Screen Wake Lock). It gives the lock up whenever the page is hidden, so it is taken anew then.
 * @returns the end of it
 */
export function keepAwake(page: Document, { wakeLock }: Partial<Navigator>): () => void {
  if (!wakeLock) return () => undefined;
  let over = false;
  let lock: WakeLockSentinel | undefined;
  const take = (): void => {
    if (over || page.visibilityState !== 'visible') return;
    wakeLock.request('screen').then(
      (taken) => {
        if (over) void taken.release();
        else lock = taken;
      },
      // On low battery a browser refuses; training goes on all the same.
      (error: unknown) => console.info('The screen is not kept awake:', error),
    );
  };
  page.addEventListener('visibilitychange', take);
  take();
  return () => {
    over = true;
    page.removeEventListener('visibilitychange', take);
    void lock?.release();
  };
}
