// The few things this page does to its document, with their types checked.

/**
 * The element of the page with this id.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function byId (id, type) {
  const found = document.getElementById(id)
  if (!(found instanceof type)) throw new Error(`the page has no ${type.name} #${id}`)
  return found
}

/**
 * A new element. Attributes that are undefined are left out; children are elements or text, which is never read as HTML.
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Readonly<Record<string, string | number | undefined>>} [attributes]
 * @param {ReadonlyArray<Node | string>} [children]
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function make (name, attributes = {}, children = []) {
  const element = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(attribute, String(value))
  element.append(...children)
  return element
}

/**
 * Writes only what has changed: screen readers and selections are not disturbed each second.
 * @param {Element} element
 * @param {string} text
 */
export function setText (element, text) {
  if (element.textContent !== text) element.textContent = text
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {string | undefined} value undefined takes the attribute away
 */
export function setAttribute (element, name, value) {
  if (value === undefined) element.removeAttribute(name)
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value)
}

/**
 * Makes the children those of `keys`, in this order: what is there stays the same element, so that it keeps the focus.
 * @template {HTMLElement} T
 * @param {HTMLElement} parent
 * @param {readonly string[]} keys
 * @param {(key: string) => T} create
 */
export function keepChildren (parent, keys, create) {
  const wanted = new Set(keys)
  const there = new Map([...parent.children].map(child => [child.getAttribute('data-key') ?? '', child]))
  for (const [key, child] of there) if (!wanted.has(key)) child.remove()
  keys.forEach((key, index) => {
    const child = there.get(key) ?? create(key)
    child.setAttribute('data-key', key)
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null)
  })
}
