/** The page: unpacks its data and shows them. */
import { render } from 'preact';
import { App } from './app.tsx';
import { open } from './state.ts';
import { unpacked } from './unpack.ts';
import './style.css';

const place = document.getElementById('page')!;

void unpacked(document).then((data) => {
  if (typeof data === 'string') {
    place.replaceChildren(Object.assign(document.createElement('p'), { className: 'loading', role: 'alert', textContent: data }));
    return;
  }
  open(data);
  place.replaceChildren();
  render(<App />, place);
});
