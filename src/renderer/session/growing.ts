/** A Float64Array that grows by doubling. `view` is only valid until the next push. */
export class Growing {
  private store = new Float64Array(256);
  length = 0;

  push(value: number): void {
    if (this.length === this.store.length) this.reserve(this.length + 1);
    this.store[this.length] = value;
    this.length += 1;
  }

  append(values: Float64Array): void {
    this.reserve(this.length + values.length);
    this.store.set(values, this.length);
    this.length += values.length;
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

  private reserve(length: number): void {
    let size = this.store.length;
    while (size < length) size *= 2;
    if (size === this.store.length) return;
    const larger = new Float64Array(size);
    larger.set(this.view());
    this.store = larger;
  }
}
