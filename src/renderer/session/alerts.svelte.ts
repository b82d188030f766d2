import type { Notice, RunSummary } from '@shared/protocol/contract';
import { endings, troubles } from './endings';
import type { News } from './endings';

const KEY = 'protodiff.notify';

/** Shows news to a person who looks elsewhere. */
export interface Voice {
  /** granted, denied, or default: not asked yet. */
  permission(): NotificationPermission;
  ask(): Promise<NotificationPermission>;
  say(news: News): void;
}

/** Whether and how the person is told of a run that ended: off until asked for in a browser. */
export class AlertsController {
  on = $state(false);
  permission = $state<NotificationPermission>('default');
  private runs: readonly RunSummary[] | undefined;
  private seen: Set<string> | undefined;

  /** @param looking  whether the person sees the window: what they see needs no notification */
  constructor(
    private readonly voice: Voice,
    private readonly storage: Storage | undefined,
    private readonly looking: () => boolean,
  ) {
    this.permission = voice.permission();
    const kept = storage?.getItem(KEY);
    this.on = this.permission === 'granted' && kept !== 'off';
  }

  async toggle(): Promise<void> {
    if (!this.on && this.permission !== 'granted') this.permission = await this.voice.ask();
    this.on = !this.on && this.permission === 'granted';
    this.storage?.setItem(KEY, this.on ? 'on' : 'off');
  }

  runsAre(runs: readonly RunSummary[]): void {
    for (const news of endings(this.runs ?? [], runs)) this.tell(news);
    this.runs = runs;
  }

  /** What was there when the window came is no news. */
  noticesAre(notices: readonly Notice[]): void {
    if (this.seen) for (const news of troubles(this.seen, notices)) this.tell(news);
    this.seen = new Set(notices.map(({ id }) => id));
  }

  private tell(news: News): void {
    if (this.on && !this.looking()) this.voice.say(news);
  }
}
