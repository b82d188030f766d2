import '../app/schemas';
import '@fontsource-variable/inter';
import '@fontsource-variable/jetbrains-mono';
import { createClient } from '@shared/protocol/client';
import { memoryPair } from '@shared/protocol/memory-transport';
import { serve } from '@shared/protocol/server';
import { mount } from 'svelte';
import App from '../app/App.svelte';
import '../app/tokens.css';
import '../app/base.css';
import '../app/controls.css';
import { layout } from '../components/layout.svelte';
import { theme } from '../components/theme.svelte';
import { Session } from '../session/session.svelte';
import type { HostState } from '@shared/protocol/host';
import { FakeService } from './fake-service';

theme.begin(window);
layout.begin(window);
const query = new URLSearchParams(location.search);
const service = new FakeService();
const step = Number(query.get('step') ?? 0);
const run = step > 0 ? service.seed(step) : undefined;
if (run && query.get('state')) run.state = 'paused';
if (query.has('live')) service.begin();
let host: ((state: HostState) => void) | undefined;
const session = new Session(
  {
    client: createClient(() => {
      const [near, far] = memoryPair();
      serve(service, far);
      return Promise.resolve(near);
    }),
    restart: () => undefined,
    onHost: (handler) => (host = handler),
  },
  undefined,
);
Object.assign(window, { session, service, host: (state: HostState) => host?.(state) });
const target = document.getElementById('app');
if (target) mount(App, { target, props: { session } });
