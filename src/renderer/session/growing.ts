/** A Float64Array that grows by doubling. `view` is only valid until the next push. */
export class Growing {
  private store = new Float64Array(256);
  length = 0;

  push(value: number): void {
    if (this.length === this.store.length) {
      const larger = new Float64Array(this.store.length * 2);
      larger.set(this.store);
      this.store = larger;
    }
    this.store[this.length] = value;
    this.length += 1;
  }

  at(index: number): number {
    return index < this.length ? (this.store[index] ?? NaN) : NaN;
  }

  view(): Float64Array {
    return this.store.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }
}
