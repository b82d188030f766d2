import type { Session } from '../session/session.svelte';
import type { Action } from './action';
import { again, interrupt, interruptible, togglePause } from './run-cells';

const queueable = ({ focus, notebook }: Session): boolean =>
  focus.cell !== undefined && notebook.problems(focus.id).length === 0;
const isRunning = (session: Session): boolean => session.focus.activity !== null;

/** What is done to the run that trains, and to the queue. */
export const RUN_ACTIONS: readonly Action[] = [
  {
    id: 'run.pause',
    title: 'Pause or resume training',
    group: 'Run',
    keys: ['Space'],
    when: (session) => session.active !== null,
    run: togglePause,
  },
  {
    id: 'run.interrupt',
    title: 'Interrupt: give up pictures, or stop training',
    group: 'Run',
    keys: ['Mod+I', 'I I'],
    inText: true,
    when: interruptible,
    run: interrupt,
  },
  {
    id: 'run.again',
    title: 'Train again with the settings of the notebook',
    group: 'Run',
    keys: [],
    when: (session) => session.focus.cell !== undefined && session.active === null,
    run: (session) => again(session, session.focus.id),
  },
  {
    id: 'run.sample',
    title: 'Sample now',
    group: 'Run',
    keys: [],
    when: isRunning,
    run: (session) => order(session, 'run.sample'),
  },
  {
    id: 'run.checkpoint',
    title: 'Checkpoint now',
    group: 'Run',
    keys: [],
    when: isRunning,
    run: (session) => order(session, 'run.checkpoint'),
  },
  {
    id: 'run.step',
    title: 'Make a single step',
    group: 'Run',
    keys: [],
    when: (session) => session.focus.activity?.phase === 'paused',
    run: (session) => order(session, 'run.step'),
  },
  {
    id: 'run.branch',
    title: 'Branch from the last checkpoint…',
    group: 'Run',
    keys: [],
    when: ({ focus: { summary } }) => (summary?.last_checkpoint ?? null) !== null,
    run: ({ focus: { summary }, shell }) => {
      if (summary) shell.branch(summary.run, summary.last_checkpoint ?? 0);
    },
  },
  {
    id: 'queue.add',
    title: 'Add the settings to the queue',
    group: 'Run',
    keys: ['Mod+Alt+Enter'],
    inText: true,
    when: queueable,
    run: (session) => void session.queue.add(session.focus.id),
  },
  {
    id: 'queue.sweep',
    title: 'Sweep over settings…',
    group: 'Run',
    keys: [],
    when: queueable,
    run: (session) => session.shell.sweep(session.focus.id),
  },
  {
    id: 'queue.start',
    title: 'Start the queue',
    group: 'Run',
    keys: [],
    when: ({ queue }) => !queue.running && queue.waiting.length > 0,
    run: ({ queue }) => void queue.start(),
  },
  {
    id: 'queue.pause',
    title: 'Pause the queue',
    group: 'Run',
    keys: [],
    when: ({ queue }) => queue.running,
    run: ({ queue }) => void queue.pause(),
  },
];

function order(session: Session, name: 'run.sample' | 'run.checkpoint' | 'run.step'): void {
  const { activity } = session.focus;
  if (activity) void session.order(name, activity.run);
}
