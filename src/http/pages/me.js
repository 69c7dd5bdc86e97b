/** A random id of letters and digits, which nobody can guess. */
export const newId = () => crypto.getRandomValues(new Uint32Array(4)).join('x');

/** This person. What is in `sessionStorage` belongs to this tab alone, and stays over a reload. */
export const me = sessionStorage;
me.id ??= newId();
me.secret ??= newId();
me.name ??= `Guest ${100 + Math.floor(Math.random() * 900)}`;

/**
 * What the handshake says of this person. With a token, the user is the one that the token names. A server that asks for no
 * token takes a guest. Who has the key of a guest is that guest: so the key is random, and stays in this tab. The server makes
 * the id, which everybody may know, from the key. Two tabs with the same name have two keys, and are two users.
 */
export const identity = () =>
  me.token ? { auth: { token: me.token } } : { guest: { key: me.secret, name: me.name } };
