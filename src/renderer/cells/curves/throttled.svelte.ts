/** A value that follows another at most every `ms`, the last change always included. */
export function throttled(read: () => number, ms: number): { readonly value: number } {
  let value = $state(0);
  let last = -Infinity;
  let timer: ReturnType<typeof setTimeout> | undefined;
  $effect(() => {
    const next = read();
    const wait = last + ms - performance.now();
    const follow = (): void => {
      timer = undefined;
      last = performance.now();
      value = next;
    };
    clearTimeout(timer);
    if (wait <= 0) follow();
    else timer = setTimeout(follow, wait);
  });
  $effect(() => () => clearTimeout(timer));
  return {
    get value() {
      return value;
    },
  };
}
