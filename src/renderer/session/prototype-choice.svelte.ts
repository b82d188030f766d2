/** The prototype of a run that a person has picked, wherever: map, bars, cards, rows and sheets follow. */
export class PrototypeChoice {
  prototype = $state<number>();

  is(prototype: number): boolean {
    return this.prototype === prototype;
  }

  choose(prototype: number): void {
    this.prototype = prototype;
  }

  /** Picks it, or lets go of it where it was picked. */
  toggle(prototype: number): void {
    this.prototype = this.prototype === prototype ? undefined : prototype;
  }

  clear(): void {
    this.prototype = undefined;
  }
}
