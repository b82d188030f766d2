import { KNOBS } from '@shared/config/knobs';
import type { KnobName } from '@shared/config/knobs';

/** A knob by its words, any other setting by its path without underscores. */
export function settingLabel(name: string): string {
  return Object.hasOwn(KNOBS, name) ? KNOBS[name as KnobName].label : name.replace(/_/g, ' ');
}
