import { copyOf } from '../dom.js';
import uPlot from '../vendor/uplot.js';

/** Seconds that a chart shows: the first when it is new, the second later. */
const [FIRST, WINDOW] = [60, 300];
const HEIGHT = 180;
/** Lines differ by more than their colour. */
const dashes = [[], [7, 4], [2, 3], [10, 3, 2, 3], [4, 2], [1, 2]];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);

/** A chart with its legend, which has the newest values or those under the pointer. */
export class Chart {
  #figure;
  #plot;
  #legend = [];
  #names = [];
  #format;
  #steps;
  #title;
  #plotted;
  #data = [[]];

  /** `format` makes the text of a value, with its unit. `isCount`: there are no halves of it. */
  constructor(parent, { title, unit, format, isCount = false }) {
    this.#title = title;
    this.#steps = isCount ? { incrs: wholeSteps } : {};
    this.#format = format;
    this.#figure = copyOf('chart', { h3: title, '.unit': unit });
    this.#plot = this.#figure.querySelector('.plot');
    parent.append(this.#figure);
    new ResizeObserver(() => this.#fit()).observe(this.#plot);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#build());
  }

  /** Shows lines: `times` in seconds, and the values of each line by its name. */
  show(times, lines) {
    const names = Object.keys(lines);
    this.#data = [times, ...Object.values(lines)];
    if (this.#plotted === undefined || names.join('\n') !== this.#names.join('\n')) {
      this.#names = names;
      this.#buildLegend();
      this.#build();
    } else this.#plotted.setData(this.#data);
    const isEmpty = times.length < 2;
    this.#figure.querySelector('.empty').hidden = !isEmpty;
    this.#plot.classList.toggle('waits', isEmpty);
    this.#tell();
  }

  #buildLegend() {
    this.#legend = this.#names.map((name) => copyOf('series', { '.label': name }));
    this.#figure.querySelector('.legend').replaceChildren(...this.#legend);
  }

  /** Writes the values at a point into the legend; without one, the newest. */
  #tell(at = this.#data[0].length - 1) {
    for (const [line, item] of this.#legend.entries()) {
      const value = this.#data[line + 1]?.[at];
      item.querySelector('.value').textContent = value == null ? '–' : this.#format(value);
    }
    const words = this.#legend.map((item) => item.textContent.replaceAll(/\s+/g, ' ').trim());
    this.#plot.ariaLabel = `${this.#title}: ${words.join(', ') || 'no values'}`;
  }

  #build() {
    this.#plotted?.destroy();
    const width = this.#plot.clientWidth;
    this.#plotted = undefined;
    if (width === 0) return;
    this.#plotted = new uPlot(this.#options(width), this.#data, this.#plot);
  }

  #options(width) {
    const [ink, line] = [colour('--quiet'), colour('--line')];
    const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
    const texts = (_plot, values) => values.map((value) => this.#format(value));
    const series = this.#names.map((label, at) => ({
      label,
      stroke: colour(`--line-${at % 6}`),
      dash: dashes[at % dashes.length],
      width: 2,
      points: { show: false },
    }));
    return {
      width,
      height: HEIGHT,
      series: [{}, ...series],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { x: { time: true, range: rangeOfTimes }, y: { range: rangeOfValues } },
      axes: [
        { ...axis, size: 36, space: 76, values: (_plot, times) => times.map(clock) },
        { ...axis, ...this.#steps, size: 68, space: 30, values: texts },
      ],
      hooks: { setCursor: [({ cursor: { idx } }) => this.#tell(idx ?? undefined)] },
    };
  }

  #fit() {
    const width = this.#plot.clientWidth;
    if (width === 0) return;
    if (this.#plotted === undefined) this.#build();
    else if (this.#plotted.width !== width) this.#plotted.setSize({ width, height: HEIGHT });
  }
}

const ofDay = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' });
const clock = (seconds) => ofDay.format(seconds * 1000);

/** Steps of an axis for counts, which have no halves. */
const wholeSteps = Array.from({ length: 10 }, (_, power) =>
  [1, 2, 5].map((step) => step * 10 ** power),
).flat();

function rangeOfTimes(_plot, first, last) {
  const end = last ?? Date.now() / 1000;
  return [Math.max(end - WINDOW, Math.min(first ?? end, end - FIRST)), end];
}

/** From 0, so that small changes look small; a line of zeros lies at the bottom. */
function rangeOfValues(_plot, _low, high) {
  return [0, high > 0 ? high * 1.15 : 1];
}
