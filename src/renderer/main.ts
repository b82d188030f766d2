import './app/schemas';
import '@fontsource-variable/inter';
import '@fontsource-variable/jetbrains-mono';
import { mount } from 'svelte';
import App from './app/App.svelte';
import './app/tokens.css';
import './app/base.css';
import './app/controls.css';
import { theme } from './components/theme.svelte';
import { layout } from './components/layout.svelte';
import { Attention } from './session/attention';
import { connectToHost } from './session/connect';
import { paced } from './session/paced';
import { Session } from './session/session.svelte';

theme.begin(window);
layout.begin(window);

const target = document.getElementById('app');
if (!target) throw new Error('index.html has no #app element');
const link = connectToHost(window);
const client = paced(link.client, new Attention(window));
mount(App, { target, props: { session: new Session({ ...link, client }, localStorage) } });
