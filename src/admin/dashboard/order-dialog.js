// The dialog that stands between a button and an order: it asks first, and for the token where one is needed.
import { AdminError, keepToken, token } from './admin.js'
import { byId } from './dom.js'

/**
 * @typedef {object} Order
 * @property {string} title
 * @property {string} text
 * @property {string} confirm what its button says
 * @property {number} [number] asks for a number, this one first
 * @property {boolean} needsToken
 * @property {(number: number, given: string | undefined) => Promise<void>} send
 * @property {() => void} [sent] the order was taken; it may not be done yet
 * @property {(error: unknown) => void} [failed] after it was taken
 */

/** An order that is refused is so at once; one that is not is under way, and the dialog may go. */
const TAKEN = 700

/** @type {Order | undefined} */
let current

/**
 * Shows the dialog; Escape cancels.
 * @param {Order} order
 */
export function askForOrder (order) {
  current = order
  const { title, text, confirm, number, needsToken } = order
  byId('order-title', HTMLElement).textContent = title
  byId('order-text', HTMLElement).textContent = text
  byId('order-number-field', HTMLElement).hidden = number === undefined
  byId('order-number', HTMLInputElement).value = String(number ?? '')
  byId('order-token', HTMLInputElement).value = ''
  byId('order-token-field', HTMLElement).hidden = !needsToken || token() !== null
  setBusy(false, confirm)
  tellError('')
  byId('order', HTMLDialogElement).showModal()
  firstField().focus()
}

export function setUpOrderDialog () {
  const dialog = byId('order', HTMLDialogElement)
  byId('order-cancel', HTMLButtonElement).addEventListener('click', () => dialog.close())
  dialog.addEventListener('submit', event => {
    event.preventDefault()
    if (current !== undefined) void submit(current)
  })
}

/** @param {Order} order */
async function submit (order) {
  const tokenInput = byId('order-token', HTMLInputElement)
  const numberInput = byId('order-number', HTMLInputElement)
  const asksToken = !byId('order-token-field', HTMLElement).hidden
  if (order.number !== undefined && !numberInput.checkValidity()) return complain('How many workers? A whole number from 1 to 1024.', numberInput)
  const given = asksToken ? tokenInput.value.trim() : undefined
  if (given === '') return complain('This needs the token.', tokenInput)
  setBusy(true, 'Sending…')
  const isTaken = () => {
    if (given !== undefined) keepToken(given)
    if (current === order) byId('order', HTMLDialogElement).close()
    order.sent?.()
  }
  const timer = setTimeout(isTaken, TAKEN)
  try {
    await order.send(Number(numberInput.value), given)
    clearTimeout(timer)
    isTaken()
  } catch (error) {
    clearTimeout(timer)
    refuse(order, error)
  }
}

/**
 * @param {Order} order
 * @param {unknown} error
 */
function refuse (order, error) {
  const isUnknown = error instanceof AdminError && error.status === 401
  if (isUnknown) keepToken(undefined)
  if (current !== order || !byId('order', HTMLDialogElement).open) {
    order.failed?.(error)
    return
  }
  setBusy(false, order.confirm)
  if (isUnknown) byId('order-token-field', HTMLElement).hidden = false
  const reason = error instanceof TypeError ? 'The admin server cannot be reached.' : error instanceof Error ? error.message : String(error)
  complain(isUnknown ? 'The token is wrong.' : reason, isUnknown ? byId('order-token', HTMLInputElement) : firstField())
}

/**
 * @param {string} text
 * @param {HTMLElement} field
 */
function complain (text, field) {
  tellError(text)
  field.focus()
  if (field instanceof HTMLInputElement) field.select()
}

/** @param {string} text */
function tellError (text) {
  byId('order-error', HTMLElement).textContent = text
}

function firstField () {
  const fields = [byId('order-number', HTMLInputElement), byId('order-token', HTMLInputElement)]
  const button = byId('order-confirm', HTMLButtonElement)
  return fields.find(field => field.closest('.field:not([hidden])')) ?? (button.hidden ? byId('order-cancel', HTMLButtonElement) : button)
}

/**
 * @param {boolean} isBusy
 * @param {string} label
 */
function setBusy (isBusy, label) {
  const button = byId('order-confirm', HTMLButtonElement)
  button.disabled = isBusy
  button.textContent = label
  button.hidden = label === ''
}
