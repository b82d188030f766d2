/** What the benchmarks have the window do: functions that are sent to it whole. */

/** Marks the moment in which a first panel is painted that reaches to the last step. */
export function markFirstCurve(steps) {
  const look = () => {
    const drawn = [...document.querySelectorAll('figure')].some(
      (figure) =>
        figure.querySelector('canvas')?.style.visibility === 'visible' &&
        Number(figure.querySelector('[role=slider]')?.ariaValueMax) >= steps,
    );
    if (drawn) performance.mark('first-curve');
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

/** Ms after the page began to load in which the first panel was painted. */
export async function firstCurve() {
  for (;;) {
    const [mark] = performance.getEntriesByName('first-curve');
    if (mark) return mark.startTime;
    await new Promise((done) => requestAnimationFrame(done));
  }
}

/** Zooms or moves a chart at every frame; the times of the frames, ms. */
export async function gesture({ surface, kind, ms }) {
  const { left, top, width, height } = surface.getBoundingClientRect();
  const at = (share) => ({
    bubbles: true,
    cancelable: true,
    button: 0,
    shiftKey: kind === 'pan',
    altKey: kind === 'zoom',
    clientX: left + width * share,
    clientY: top + height / 2,
    pointerId: 1,
  });
  // There is no pointer of that number to capture.
  surface.setPointerCapture = () => undefined;
  if (kind === 'pan') surface.dispatchEvent(new PointerEvent('pointerdown', at(0.5)));
  const times = [];
  const began = performance.now();
  for (let n = 0; performance.now() - began < ms; n++) {
    times.push(await new Promise((done) => requestAnimationFrame(done)));
    const share = 0.5 + 0.3 * Math.sin(n / 12);
    if (kind === 'pan') surface.dispatchEvent(new PointerEvent('pointermove', at(share)));
    else {
      const deltaY = Math.sin(n / 25) > 0 ? -60 : 60;
      surface.dispatchEvent(new WheelEvent('wheel', { ...at(0.4), deltaY }));
    }
  }
  surface.dispatchEvent(new PointerEvent('pointerup', at(0.5)));
  return times;
}

/** Drags the map's scrubber to and fro, a place a frame; the times of the frames, ms. */
export async function scrub({ slider, ms }) {
  const times = [];
  const began = performance.now();
  const last = Number(slider.max);
  for (let n = 0; performance.now() - began < ms; n++) {
    times.push(await new Promise((done) => requestAnimationFrame(done)));
    const place = n % (2 * last);
    slider.value = String(place <= last ? place : 2 * last - place);
    slider.dispatchEvent(new Event('input', { bubbles: true }));
  }
  return times;
}

/** Types a value into a knob's field; ms until its row has been painted with it. */
export async function turnKnob(input, value) {
  const row = input.closest('.knob');
  const was = row.textContent;
  const began = performance.now();
  input.value = value;
  input.dispatchEvent(new Event('change', { bubbles: true }));
  // The frame after the one whose style and layout the change went into has painted it.
  do await new Promise((done) => requestAnimationFrame(done));
  while (row.textContent === was);
  await new Promise((done) => setTimeout(done));
  return performance.now() - began;
}

/** Treats the page as a browser does a tab that is not in front: it is told, and has no frames. */
export function hide() {
  Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' });
  Object.defineProperty(document, 'hidden', { get: () => true });
  window.requestAnimationFrame = () => 0;
  document.dispatchEvent(new Event('visibilitychange'));
}
