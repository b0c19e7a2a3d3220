// Draws one chart by uPlot, in the colors of the page.
/** @import uPlot from 'uplot' */
/** @import { Chart } from './series.js' */
import { time } from './format.js'

const HEIGHT = 170
const POINTERS = 'charts'
/** In seconds. */
const SHORTEST = 60
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })

/**
 * @param {typeof uPlot} make
 * @param {Chart} chart
 * @param {HTMLElement} place
 * @param {{ span: number, onPoint: (index: number | null | undefined) => void }} how
 */
export function plotOf (make, chart, place, { span, onPoint }) {
  const plot = new make({
    width: widthOf(place),
    height: HEIGHT,
    padding: [8, 26, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, sync: { key: POINTERS, setSeries: false }, points: { size: 7 } },
    scales: {
      x: { range: (_, oldest, newest) => rangeOf(oldest, newest, span) },
      y: { range: (_, __, highest) => [0, Math.max(chart.least, (highest ?? 0) * 1.08)] }
    },
    axes: [
      { ...lines(), space: 70, size: 28, values: (_, splits, __, ___, step) => splits.map(split => time(split * 1000, step < 60)) },
      { ...lines(), space: 36, size: 54, values: (_, splits) => splits.map(split => label(chart, split)) }
    ],
    series: [{}, ...chart.lines.map(line => ({
      label: line.label,
      stroke: () => color(line.color),
      width: 1.75,
      points: { show: false },
      ...line.filled === true ? { fill: () => `${color(line.color)}22` } : {}
    }))],
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx)] }
  }, [[], ...chart.lines.map(() => [])], place)
  new ResizeObserver(() => plot.setSize({ width: widthOf(place), height: HEIGHT })).observe(place)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => plot.redraw())
  return plot
}

/** @param {HTMLElement} place */
function widthOf (place) {
  return Math.max(120, Math.floor(place.clientWidth))
}

/**
 * As much of the span as is known, so that a young cluster's curves are not a stroke at the edge.
 * @param {number | null} oldest
 * @param {number | null} newest
 * @param {number} span
 * @returns {[number, number]}
 */
function rangeOf (oldest, newest, span) {
  const end = newest ?? Date.now() / 1000
  const known = end - (oldest ?? end)
  return [end - Math.min(span / 1000, Math.max(known, SHORTEST)), end]
}

function lines () {
  const thin = { stroke: () => color('--grid'), width: 1 }
  return { stroke: () => color('--muted'), font: '12px system-ui, sans-serif', grid: thin, ticks: { show: false } }
}

/**
 * The axis has less room than the table.
 * @param {Chart} chart
 * @param {number} value
 */
function label ({ id, write }, value) {
  if (id === 'load') return write(value)
  return id === 'latency' ? `${compact.format(value)} ms` : compact.format(value)
}

/** @param {string} name */
function color (name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}
