/** The page's beginning: opens the store, makes the workspace, mounts the app. */
import { mount } from 'svelte';
import { readParameters } from './app/parameters';
import { Workspace } from './app/workspace.svelte';
import { Store } from './store/store';
import App from './ui/App.svelte';
import './ui/theme.css';

const target = document.getElementById('app');
if (!target) throw new Error('index.html has no element with the id "app" to mount into.');

const workspace = new Workspace(await Store.open(), readParameters(location.search));
// For the console and for tests: the same objects that the page uses.
Object.assign(window, { nudge: workspace });
mount(App, { target, props: { workspace } });
await workspace.start();
