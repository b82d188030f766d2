/** ms between two announcements at least: a screen reader is not talked over. */
export const SPOKEN = 5000;

/** The one polite voice of the window: what its alerts say, one after another. */
export class Announcer {
  /** What the live region holds; emptied in between, so that the same words may come again. */
  said = $state('');
  readonly #waiting: string[] = [];
  #resting: ReturnType<typeof setTimeout> | undefined;

  /** Queues `words`; what is returned takes them back, unless they have been said. */
  say(words: string): () => void {
    if (words !== this.said && !this.#waiting.includes(words)) this.#waiting.push(words);
    if (this.#resting === undefined) this.#next();
    return () => {
      const place = this.#waiting.indexOf(words);
      if (place >= 0) this.#waiting.splice(place, 1);
    };
  }

  #next(): void {
    const words = this.#waiting.shift();
    this.said = words ?? '';
    this.#resting = words === undefined ? undefined : setTimeout(() => this.#next(), SPOKEN);
  }
}

export const announcer = new Announcer();
