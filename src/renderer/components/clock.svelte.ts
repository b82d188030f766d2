/** The time of day, for words such as "12 s ago"; ticks while somebody shows it. */
class Clock {
  now = $state(Date.now());

  run(): () => void {
    const timer = setInterval(() => (this.now = Date.now()), 5000);
    return () => clearInterval(timer);
  }
}

export const clock = new Clock();

/** `just now`, `12 s ago`, `2 h 5 min ago`. */
export function ago(wall: number, now: number, words: (seconds: number) => string): string {
  const seconds = (now - wall) / 1000;
  return seconds < 5 ? 'just now' : `${words(seconds)} ago`;
}
