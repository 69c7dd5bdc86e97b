/** Who is signed in: the name, rights and channels that the API told. */
export const me = { name: '', kind: 'key', rights: [], channels: [] };

export const become = (caller) => Object.assign(me, caller);

/** Whether the key or token has a right. */
export const has = (right) => me.rights.includes(right) || me.rights.includes('admin');

/** Whether it may see the whole server: counts and sessions. */
export const seesAll = () => has('read') && me.channels.includes('/**');

/** The pattern that a field begins with. */
export const firstPattern = () => me.channels[0] ?? '/**';
