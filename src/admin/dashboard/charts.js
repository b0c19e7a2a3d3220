// The charts of the last 15 minutes: each a plot by uPlot, where it is installed, and a table of numbers, which says the same to those who cannot see it.
/** @import uPlot from 'uplot' */
/** @import { Sample } from '../sampler.ts' */
/** @import { Chart } from './series.js' */
import { byId, make, setText } from './dom.js'
import { NONE, time } from './format.js'
import { plotOf } from './plot.js'
import { CHARTS, summaryOf } from './series.js'

const SPAN = 15 * 60_000
/** The server has it from the package, where that is installed. */
const PLOTTER = './uplot.js'

/**
 * @typedef {object} Shown
 * @property {Chart} chart
 * @property {HTMLElement} place
 * @property {HTMLElement} legend
 * @property {HTMLElement} nowTitle
 * @property {uPlot | undefined} plot
 */

/** @type {readonly Sample[]} */
let samples = []
/** @type {Shown[]} */
let shown = []
/** The sample under the pointer, by its index. */
let pointed = -1

export async function setUpCharts () {
  shown = CHARTS.map(newChart)
  byId('charts', HTMLElement).append(...shown.map(({ place }) => place.parentElement ?? place))
  const plotter = await loadPlotter()
  if (plotter === undefined) {
    const note = byId('charts-note', HTMLElement)
    note.hidden = false
    note.textContent = 'Curves need the package "uplot", which is not installed here (npm install uplot). These are their numbers.'
    for (const { place } of shown) place.remove()
  } else {
    for (const each of shown) each.plot = plotOf(plotter, each.chart, each.place, { span: SPAN, onPoint: pointAt })
  }
  draw()
  document.addEventListener('visibilitychange', draw)
}

/** @returns {Promise<typeof uPlot | undefined>} */
async function loadPlotter () {
  try {
    const { default: plotter } = await import(PLOTTER)
    return plotter
  } catch {
    return undefined
  }
}

/** @param {readonly Sample[]} all */
export function showHistory (all) {
  samples = all
  draw()
}

/** @param {Sample} sample */
export function addSample (sample) {
  const last = samples.at(-1)
  if (last !== undefined && sample.at <= last.at) return
  samples = [...samples.filter(({ at }) => at > sample.at - SPAN), sample]
  draw()
}

function draw () {
  if (document.hidden) return
  const times = samples.map(({ at }) => at / 1000)
  for (const { chart, plot } of shown) plot?.setData([times, ...chart.lines.map(({ of }) => samples.map(of))])
  writeLegends()
}

/** @param {number | null | undefined} index */
function pointAt (index) {
  const next = index ?? -1
  if (next === pointed) return
  pointed = next
  writeLegends()
}

function writeLegends () {
  const sample = samples[pointed] ?? samples.at(-1)
  for (const { chart, legend, nowTitle } of shown) {
    setText(nowTitle, samples[pointed] === undefined ? 'now' : time(samples[pointed]?.at ?? 0))
    chart.lines.forEach(({ of }, index) => {
      const [, now, mean, highest] = legend.children[index]?.children ?? []
      const summary = summaryOf(samples.map(of))
      const value = sample === undefined ? null : of(sample)
      if (now !== undefined) setText(now, value === null ? NONE : chart.write(value))
      if (mean !== undefined) setText(mean, summary === undefined ? NONE : chart.write(summary.mean))
      if (highest !== undefined) setText(highest, summary === undefined ? NONE : chart.write(summary.highest))
    })
  }
}

/**
 * @param {Chart} chart
 * @returns {Shown}
 */
function newChart (chart) {
  const place = make('div', { class: 'plot', 'aria-hidden': 'true' })
  const nowTitle = make('th', { scope: 'col' }, ['now'])
  const legend = make('tbody', {}, chart.lines.map(({ label, color }) => {
    const swatch = make('span', { class: 'swatch', 'aria-hidden': 'true' })
    swatch.style.setProperty('--color', `var(${color})`)
    return make('tr', {}, [make('th', { scope: 'row' }, [swatch, label]), make('td'), make('td'), make('td')])
  }))
  make('figure', { class: 'card chart', id: `chart-${chart.id}`, 'aria-labelledby': `chart-${chart.id}-title` }, [
    make('figcaption', {}, [make('h3', { id: `chart-${chart.id}-title` }, [chart.title]), make('span', { class: 'note' }, [chart.unit])]),
    place,
    make('table', { class: 'legend', 'aria-labelledby': `chart-${chart.id}-title` }, [
      make('thead', {}, [make('tr', {}, [make('td'), nowTitle, make('th', { scope: 'col' }, ['mean']), make('th', { scope: 'col' }, ['highest'])])]),
      legend
    ])
  ])
  return { chart, place, legend, nowTitle, plot: undefined }
}
