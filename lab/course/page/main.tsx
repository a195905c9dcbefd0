/** The course's page: its data are in it. */
import { render } from 'preact';
import type { CourseDocument } from '../document.ts';
import { Course } from './course.tsx';
import './style.css';

const place = document.getElementById('page')!;
const data = document.getElementById('data')?.textContent;

if (data === undefined) place.replaceChildren(Object.assign(document.createElement('p'), { className: 'loading', role: 'alert', textContent: 'There is no course in this page, or the file was cut off.' }));
else {
  place.replaceChildren();
  render(<Course course={JSON.parse(data) as CourseDocument} />, place);
}
