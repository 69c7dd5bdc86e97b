/** The element with this id. */
export const $ = (id) => document.getElementById(id);

/** Calls `act` with the text of a form, and empties its field. */
export function onSubmit(form, act) {
  $(form).addEventListener('submit', (event) => {
    event.preventDefault();
    act($(form).querySelector('input').value.trim());
    $(form).reset();
  });
}

/** A copy of a template's element, with text in the parts that these selectors name. Text of users never becomes HTML. */
export function copyOf(template, texts) {
  const copy = $(template).content.firstElementChild.cloneNode(true);
  for (const [selector, text] of Object.entries(texts)) copy.querySelector(selector).textContent = text;
  return copy;
}

/** Shows links in a list. One without `href` leads nowhere. The focus stays on its link. */
export function showLinks(list, links) {
  const focused = document.activeElement.closest(`#${list} a`)?.href;
  const items = links.map(({ id, name, href, note = '', isHere }) => {
    const item = copyOf('entry', { '.badge': [...name][0], '.label': name, small: note });
    const link = item.firstElementChild;
    if (href) link.href = href;
    if (isHere) link.ariaCurrent = 'page';
    colour(item, id);
    return item;
  });
  $(list).replaceChildren(...items);
  [...$(list).querySelectorAll('a[href]')].find(({ href }) => href === focused)?.focus();
}

/** Gives the badge of a person a colour that belongs to the id. */
export const colour = (item, id) => item.style.setProperty('--hue', Number.parseInt(id, 36) % 360 || 0);
