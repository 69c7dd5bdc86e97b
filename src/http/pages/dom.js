/** The element with this id. */
export const $ = (id) => document.getElementById(id);

/** A copy of a template's element, with text in the parts that these selectors name. Text of users never becomes HTML. */
export function copyOf(template, texts) {
  const copy = $(template).content.firstElementChild.cloneNode(true);
  for (const [selector, text] of Object.entries(texts)) copy.querySelector(selector).textContent = text;
  return copy;
}

/** Shows links in a list. One without `href` leads nowhere. The focus stays on its link. */
export function showList(id, entries) {
  const focused = document.activeElement.closest(`#${id} a`)?.href;
  const items = entries.map(({ href, name, note = '', badge = '', isHere = false }) => {
    const item = copyOf('entry', { '.badge': badge && initial(name), '.label': name, small: note });
    if (href) item.firstElementChild.href = href;
    else item.firstElementChild.removeAttribute('href');
    if (isHere) item.firstElementChild.ariaCurrent = 'page';
    colour(item, badge);
    return item;
  });
  $(id).replaceChildren(...items);
  items.find(({ firstElementChild: { href } }) => focused && href === focused)?.firstElementChild.focus();
}

export const initial = (name) => [...name][0]?.toUpperCase() ?? '?';

/** Gives the badge a colour that belongs to the id of a person. */
export function colour(item, id) {
  const hue = [...id].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);
  item.querySelector('.badge').style.setProperty('--hue', hue);
}
