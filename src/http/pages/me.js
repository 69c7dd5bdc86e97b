/** A value that this tab alone has, and keeps over a reload. */
function remembered(key, make) {
  const value = sessionStorage.getItem(key) ?? make();
  sessionStorage.setItem(key, value);
  return value;
}

/** A random id: 96 bits. */
export const newId = () =>
  Array.from(crypto.getRandomValues(new Uint32Array(3)), (part) => part.toString(36)).join('');

/** This person, as others see it. */
export const me = {
  id: remembered('id', newId),
  name: remembered('name', () => `Guest ${100 + Math.floor(Math.random() * 900)}`),
};

/**
 * What the handshake says of this person. With a token, the user is the one that the token names. A server that asks for no
 * token takes a guest. Who has the key of a guest is that guest: so the key is random, and stays in this tab. The server makes
 * the id, which everybody may know, from the key. Two tabs with the same name have two keys, and are two users.
 */
export function identity() {
  const token = sessionStorage.getItem('token');
  if (token !== null) return { auth: { token } };
  return { guest: { key: remembered('key', () => newId() + newId()), name: me.name } };
}

/** The server says in its reply to the handshake for whom it takes this person. */
export function becomeUser({ id, name }) {
  sessionStorage.setItem('id', id);
  Object.assign(me, { id, name });
}

export function rename(name) {
  sessionStorage.setItem('name', name);
  me.name = name;
}
